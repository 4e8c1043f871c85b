//! The real `bulk` with the real platform: exit codes, messages, and interruptions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod interruptions;
mod manners;
mod outcomes;
mod pipes;
mod support;
mod terminal;
