//! Exit codes.

use std::process::ExitCode;

/// Exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every row succeeded, or the command did its work.
    Fine = 0,
    /// The service cannot be reached, or an unexpected error occurred.
    Unexpected = 1,
    /// The command line, a local file or the settings are invalid.
    Usage = 2,
    /// The action finished, and more rows failed than are allowed.
    RowsFailed = 3,
    /// The action failed.
    ActionFailed = 4,
    /// The action was cancelled.
    Cancelled = 5,
    /// The service rejected the request.
    Refused = 6,
    /// The credentials are missing, invalid or insufficient.
    NotAuthorised = 7,
    /// The timeout has passed and the action is still running.
    StillRunning = 8,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
