//! What a worker's binary can do besides working.

use clap::Subcommand;

/// What a worker's binary can do besides working.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Asks the worker on this machine whether it is ready; the exit code tells. For container health checks.
    Health,
}
