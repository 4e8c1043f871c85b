//! What stands between the API and those who reach it over HTTP.

use std::net::{IpAddr, Ipv4Addr};

use super::auth::AuthMode;
use super::reader::Reader;
use super::server::{Environment, ServerConfig};

const ORIGINS_REMEDY: &str = "give origins such as https://app.example.com,http://localhost:5173, without paths; * only outside production";

/// Which web pages may call the API from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// These alone. None by default: browsers then keep every other site's pages out.
    Listed(Vec<String>),
    /// All of them.
    Any,
}

/// What stands between the API and those who reach it over HTTP.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `ALLOWED_ORIGINS`: the origins of web pages that may call the API, separated by commas, or `*` for all, which
    /// production refuses. Default empty: none.
    pub allowed_origins: AllowedOrigins,
    /// `TRUST_PROXY`: whether a proxy stands in front that sets `X-Forwarded-For` and `X-Forwarded-Proto`. Default false:
    /// anyone could write anything into them.
    pub trust_proxy: bool,
    /// Where the API listens: `BIND_ADDRESS`, or else 127.0.0.1 where anybody who reaches it could claim to be any account
    /// (header authentication outside production), and all addresses where not.
    pub bind_address: IpAddr,
    /// Whether only requests that name this machine are answered: with header authentication outside production, a web page
    /// whose name was made to lead here could otherwise ask on behalf of any account.
    pub only_local_hosts: bool,
    /// `PAGE`: whether the web page is served at `/app`, on or off. Default on.
    pub page: bool,
}

impl HttpConfig {
    pub(super) fn read(reader: &mut Reader<'_>, server: &ServerConfig, auth: &AuthMode) -> Self {
        let environment = server.environment;
        let is_open = matches!(auth, AuthMode::Header) && environment != Environment::Production;
        let default = if is_open { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        Self {
            bind_address: server.bind_address.unwrap_or(default.into()),
            only_local_hosts: is_open,
            allowed_origins: read_origins(reader, environment),
            trust_proxy: reader.boolean("TRUST_PROXY", false),
            page: reader.boolean("PAGE", true),
        }
    }
}

fn read_origins(reader: &mut Reader<'_>, environment: Environment) -> AllowedOrigins {
    let text = reader.text("ALLOWED_ORIGINS").unwrap_or_default();
    if text == "*" && environment != Environment::Production {
        return AllowedOrigins::Any;
    }
    let origins: Vec<_> =
        text.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
    for origin in origins.iter().filter(|origin| !is_origin(origin)) {
        reader.problem("ALLOWED_ORIGINS", format!("has {origin:?}"), ORIGINS_REMEDY);
    }
    AllowedOrigins::Listed(origins)
}

/// Scheme, host and perhaps a port, written as browsers write them; anything else would never match.
fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
    !authority.is_empty() && authority.bytes().all(is_allowed)
}
