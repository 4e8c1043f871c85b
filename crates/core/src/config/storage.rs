//! S3 connection settings. The variables are named after MinIO; any S3 server with path-style addresses works.

use secrecy::{ExposeSecret, SecretString};
use tracing_loki::url::Url;

use super::reader::Reader;
use super::samples::refuse_sample;
use super::server::Environment;

/// S3 connection settings.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// `MINIO_ENDPOINT`: host name or address, without scheme and port. Default `localhost`.
    pub endpoint: String,
    /// `MINIO_PORT`: TCP port. Default 9000.
    pub port: u16,
    /// `MINIO_USE_SSL`: true for https. Default false.
    pub use_ssl: bool,
    /// `MINIO_ACCESS_KEY`: required.
    pub access_key: SecretString,
    /// `MINIO_SECRET_KEY`: required.
    pub secret_key: SecretString,
    /// `MINIO_BUCKET_NAME`: the bucket for all objects. Default `bulk-actions`.
    pub bucket: String,
    /// `MINIO_PUBLIC_URL`: URL of the store for clients, used in download links. Default: the URL used by the services.
    pub public_url: Option<Url>,
    /// `MINIO_REGION`: region used in request signatures. Default `us-east-1`.
    pub region: String,
}

impl StorageConfig {
    /// Scheme, host and port in the form that the S3 client expects.
    #[must_use]
    pub(crate) fn endpoint_url(&self) -> String {
        let scheme = if self.use_ssl { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.endpoint, self.port)
    }

    pub(super) fn read(reader: &mut Reader<'_>, environment: Environment) -> Self {
        let access_key = reader.required_secret("MINIO_ACCESS_KEY", "give the S3 access key id");
        let secret_key = reader.required_secret("MINIO_SECRET_KEY", "give the S3 secret access key");
        refuse_sample(reader, "MINIO_SECRET_KEY", secret_key.expose_secret(), environment);
        Self {
            endpoint: reader.checked_text(
                "MINIO_ENDPOINT",
                "localhost",
                is_host,
                "give the host alone, such as localhost or [::1] (the port goes into MINIO_PORT, https into MINIO_USE_SSL)",
            ),
            port: reader.number("MINIO_PORT", 9000, 1..=u16::MAX),
            use_ssl: reader.boolean("MINIO_USE_SSL", false),
            access_key,
            secret_key,
            bucket: reader.checked_text(
                "MINIO_BUCKET_NAME",
                "bulk-actions",
                is_bucket_name,
                "give 3 to 63 lower-case letters, digits, hyphens or dots, a letter or digit at both ends",
            ),
            public_url: read_public_url(reader),
            region: reader.checked_text("MINIO_REGION", "us-east-1", is_region, "give letters, digits and hyphens"),
        }
    }
}

/// A path is refused, because the link's signature covers the path as the store sees it.
fn read_public_url(reader: &mut Reader<'_>) -> Option<Url> {
    let value = reader.text("MINIO_PUBLIC_URL")?;
    let url = Url::parse(value).ok().filter(|url| {
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let has_user = !url.username().is_empty() || url.password().is_some();
        ["http", "https"].contains(&url.scheme()) && url.has_host() && is_bare && !has_user
    });
    if url.is_none() {
        reader.problem(
            "MINIO_PUBLIC_URL",
            "is not a plain URL",
            "give scheme, host and port alone, such as https://files.example.com",
        );
    }
    url
}

fn is_host(text: &str) -> bool {
    let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
    }
}

fn is_bucket_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let is_edge =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (3..=63).contains(&text.len())
        && text.bytes().all(is_inner)
        && is_edge(text.bytes().next())
        && is_edge(text.bytes().next_back())
}

fn is_region(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
