//! Whole actions from the outside: upload a file, wait, check records, counts, logs and results.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod accounts;
mod bad_rows;
mod clean_up;
mod control;
mod crashes;
mod create;
mod delete;
mod dry_run;
mod duplicates;
mod entities;
mod erase;
mod events;
mod fairness;
mod files;
mod finding;
mod idempotency;
mod model;
mod orders;
mod own_tables;
mod people;
mod poison;
mod products;
mod quotas;
mod reading;
mod retention;
mod retry;
mod support;
mod turns;
mod update;
mod uploads;
mod upsert;
mod workbooks;
