//! The API as an HTTP service: authentication, limits, inputs, and the common parts of responses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod answers;
mod auth;
mod bounds;
mod hostile;
mod inspect;
mod limits;
mod lists;
mod logs;
mod multipart;
mod openapi;
mod outages;
mod page;
mod postman;
mod session;
mod support;
mod tools;
mod uploads;
