//! Environment variables, read once.

use std::env;
use std::path::PathBuf;

/// Environment of `bulk`. An empty variable counts as unset.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// `BULK_URL`.
    pub url: Option<String>,
    /// `BULK_TOKEN`.
    pub token: Option<String>,
    /// `BULK_ACCOUNT`.
    pub account: Option<String>,
    /// `BULK_PROFILE`.
    pub profile: Option<String>,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// True for `TERM=dumb`, a terminal that cannot overwrite.
    pub dumb_terminal: bool,
    /// Directory of settings.
    pub config_directory: Option<PathBuf>,
    /// Directory of the state.
    pub state_directory: Option<PathBuf>,
}

impl Environment {
    /// Reads the variables.
    pub(crate) fn read() -> Self {
        let home = path("HOME").or_else(|| path("USERPROFILE"));
        let under_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let config = path("XDG_CONFIG_HOME").or_else(|| path("APPDATA")).or_else(|| under_home(".config"));
        let state =
            path("XDG_STATE_HOME").or_else(|| path("LOCALAPPDATA")).or_else(|| under_home(".local/state"));
        Self {
            url: text("BULK_URL"),
            token: text("BULK_TOKEN"),
            account: text("BULK_ACCOUNT"),
            profile: text("BULK_PROFILE"),
            no_color: text("NO_COLOR").is_some(),
            dumb_terminal: text("TERM").is_some_and(|term| term == "dumb"),
            config_directory: config.map(|directory| directory.join("bulk")),
            state_directory: state.map(|directory| directory.join("bulk")),
        }
    }
}

fn text(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn path(name: &str) -> Option<PathBuf> {
    // The XDG specification requires absolute paths and says to ignore others.
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
