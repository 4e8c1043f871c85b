//! The core that the three services share.
//!
//! A row's way through the platform, and the module that owns each step:
//!
//! 1. `api` streams the upload into [`storage`] while [`csv_intake`] counts its rows and checks its header, then [`db`] records
//!    the [`action`] in one transaction and [`queue`] rings the chunking bell.
//! 2. `chunking-worker` reads the file back through [`csv_intake`], checks every row by its [`entity`] declaration, and cuts it
//!    into [`chunk`]s: one object in [`storage`] and one row in [`db`] each, then [`queue`] rings the processing bell.
//! 3. `processing-worker` claims a chunk, applies it by the [`entity`]'s set-based statements, stores one outcome per
//!    row in [`storage`], and [`db`] commits records, chunk, counters and completion together.
//!
//! [`worker`] is the job engine under both workers; it knows nothing of CSV or entities. PostgreSQL is the truth, Redis
//! is only the doorbell: losing every message delays work, never loses it. [`removal`] takes out of [`storage`] what
//! [`db`] has decided to forget. This crate never names an HTTP framework.

pub mod action;
pub mod chunk;
pub mod config;
pub mod db;
pub mod dependencies;
pub mod entity;
pub mod erasure;
pub mod file_name;
pub mod health;
pub mod queue;
pub mod removal;
pub mod shutdown;
pub mod storage;
pub mod telemetry;
pub mod value;
pub mod worker;
