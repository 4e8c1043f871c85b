//! How a command ended, as scripts see it.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every row is fine, or the command did what it should.
    Fine = 0,
    /// The service cannot be reached, or something happened that should not.
    Unexpected = 1,
    /// The command line, a local file or the settings are at fault.
    Usage = 2,
    /// The action is finished, and more rows failed than are allowed to.
    RowsFailed = 3,
    /// The action could not be carried to its end.
    ActionFailed = 4,
    /// The action was cancelled.
    Cancelled = 5,
    /// The service refused.
    Refused = 6,
    /// The caller is not who they have to be.
    NotAuthorised = 7,
    /// The time is over, and the action still runs.
    StillRunning = 8,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
