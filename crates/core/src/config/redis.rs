//! Redis connection settings.

use redis::IntoConnectionInfo;
use secrecy::{ExposeSecret, SecretString};
use tracing_loki::url::Url;

use super::reader::Reader;
use super::samples::refuse_sample;
use super::server::Environment;

const URL_REMEDY: &str = "give redis://[user:password@]host:6379[/database], or rediss:// for TLS";

/// Redis connection settings.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `REDIS_URL`: required; may contain a password.
    pub url: SecretString,
    /// `REDIS_KEY_PREFIX`: prefix of every key, so that several installations can share a server. Default `bulk`.
    pub key_prefix: String,
}

impl RedisConfig {
    pub(super) fn read(reader: &mut Reader<'_>, environment: Environment) -> Self {
        let url = reader.required_secret("REDIS_URL", URL_REMEDY);
        if !url.expose_secret().is_empty() && url.expose_secret().into_connection_info().is_err() {
            reader.problem("REDIS_URL", "is not a Redis URL", URL_REMEDY);
        }
        let parsed = Url::parse(url.expose_secret()).ok();
        if let Some(password) = parsed.as_ref().and_then(Url::password) {
            refuse_sample(reader, "REDIS_URL", password, environment);
        }
        let key_prefix = reader.checked_text(
            "REDIS_KEY_PREFIX",
            "bulk",
            is_key_prefix,
            "give up to 64 letters, digits, or characters out of _ - : { }",
        );
        Self { url, key_prefix }
    }
}

fn is_key_prefix(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-:{}".contains(&byte))
}
