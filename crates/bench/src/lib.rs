//! How fast the platform is, as a share of what PostgreSQL can do at all.
//!
//! Machines are noisy, so a rate on its own says little. Each measurement here is a pair in one run on the same private
//! services: the same rows put straight into PostgreSQL in the best way known ([`direct`]), and the same rows uploaded
//! to the platform and waited for ([`upload`]). Pairs alternate, and the table shows the ratio beside the rates.
//! [`workload`] makes the rows, [`table`] brings the table of records into the same state before each of the two,
//! [`usage`] reads what each process has used. Errors are `anyhow`: they have one reader, the person at the terminal.

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
