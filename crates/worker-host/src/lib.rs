//! The shared frame of both workers: the process, its dependencies, and the port for liveness, readiness and metrics.

mod health;
mod host;
mod process;

pub use host::{HostError, host};
pub use process::{Running, Service, main};
