//! The job engine of both workers. It knows queues, leases, outages and shutdown, and nothing of CSV or entities.
//!
//! A job is only a hint: the handler claims the work in PostgreSQL, and what it finds there decides. So a job may be
//! finished (removed from its queue) after any result of its handling; unfinished work gets a new job.

mod backoff;
mod breaker;
mod lease;
mod runner;
mod turn;

pub use backoff::delay_after;
pub use breaker::Breaker;
pub use lease::{Panicked, under_lease};
pub use runner::{Handler, Runner, Verdict, consumer_name};
pub use turn::{SLICE, Turn};
