//! Core library shared by the three services.
//!
//! The path of a row through the platform, and the module responsible for each step:
//!
//! 1. `api` streams the upload into [`storage`] while [`csv_intake`] counts its rows and checks its header. Then [`db`]
//!    records the [`action`] in one transaction and [`queue`] rings the chunking bell.
//! 2. `chunking-worker` reads the file back through [`csv_intake`], checks every row by its [`entity`] declaration, and
//!    cuts it into [`chunk`]s: one object in [`storage`] and one row in [`db`] each. Then [`queue`] rings the
//!    processing bell.
//! 3. `processing-worker` claims a chunk, applies it with the [`entity`]'s set-based statements and stores one outcome
//!    per row in [`storage`]. [`db`] commits records, chunk, counters and completion together.
//!
//! [`worker`] is the job engine of both workers; it knows nothing of CSV or entities. PostgreSQL is the source of
//! truth. Redis is only the doorbell: losing every message delays work but loses none. [`removal`] deletes objects from
//! [`storage`] after [`db`] has decided it. This crate does not use an HTTP framework.

pub mod action;
pub mod chunk;
pub mod config;
pub mod db;
pub mod dependencies;
pub mod entity;
pub mod erasure;
pub mod file_name;
pub mod health;
mod millis;
pub mod queue;
pub mod removal;
pub mod shutdown;
pub mod storage;
pub mod telemetry;
pub mod value;
pub mod worker;

pub use millis::millis;
