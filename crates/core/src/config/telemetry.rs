//! Log settings: level and shipping.

use tracing_loki::url::Url;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::reader::Reader;
use super::server::Environment;

const LOKI_REMEDY: &str =
    "give http://host:3100 without user and password, or leave it empty to ship nothing";

/// Log settings: level and shipping.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// `LOG_LEVEL`: trace, debug, info, warn, error or off, optionally followed by exceptions such as
    /// `info,sqlx=debug`. Default info.
    pub log_level: String,
    /// `LOKI_URL`: URL of Loki, plain http. Default empty: logs go to stdout only.
    pub loki_url: Option<Url>,
    /// From `NODE_ENV`; a label on every shipped line.
    pub environment: Environment,
}

impl TelemetryConfig {
    pub(super) fn read(reader: &mut Reader<'_>, environment: Environment) -> Self {
        let log_level = reader.checked_text(
            "LOG_LEVEL",
            "info",
            is_log_level,
            "give trace, debug, info, warn, error or off, optionally with exceptions such as info,sqlx=debug",
        );
        Self { log_level, loki_url: read_loki_url(reader), environment }
    }
}

/// Checks the level, because [`EnvFilter`] alone would read a misspelt level as a module name and silence everything
/// else.
fn is_log_level(text: &str) -> bool {
    let is_directive = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    text.split(',').all(is_directive) && EnvFilter::try_new(text).is_ok()
}

/// User and password are refused: the URL is not kept as a secret, and plain http would send them unencrypted.
fn read_loki_url(reader: &mut Reader<'_>) -> Option<Url> {
    let value = reader.text("LOKI_URL")?;
    let url = Url::parse(value).ok().filter(|url| {
        url.scheme() == "http" && url.has_host() && url.username().is_empty() && url.password().is_none()
    });
    if url.is_none() {
        reader.problem("LOKI_URL", "is not a plain http URL", LOKI_REMEDY);
    }
    url
}
