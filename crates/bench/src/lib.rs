//! Speed of the platform as a share of PostgreSQL's own limit.
//!
//! Machines are noisy, so a rate alone says little. Each measurement is a pair in one run on the same private services:
//! the same rows inserted directly into PostgreSQL in the fastest known way ([`direct`]), and uploaded to the platform
//! until completed ([`upload`]). Pairs alternate, and the table shows the ratio beside the rates. [`workload`]
//! generates the rows, [`table`] puts the table of records into the same state before each measurement, and [`usage`]
//! reads the resources used by each process. Errors are `anyhow`, since the only reader is the person at the terminal.

pub mod direct;
pub mod idle;
pub mod latency;
pub mod pair;
pub mod report;
pub mod services;
pub mod table;
pub mod upload;
pub mod usage;
pub mod workload;
