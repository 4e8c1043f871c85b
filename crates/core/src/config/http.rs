//! HTTP settings of the API: allowed origins, proxy, listening address, page.

use std::net::{IpAddr, Ipv4Addr};

use super::auth::AuthMode;
use super::reader::Reader;
use super::server::{Environment, ServerConfig};

const ORIGINS_REMEDY: &str = "give origins such as https://app.example.com,http://localhost:5173, without paths; * only outside production";

/// Web origins that may call the API from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Only these. Empty by default: browsers then block pages of other sites.
    Listed(Vec<String>),
    /// All origins.
    Any,
}

/// HTTP settings of the API.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `ALLOWED_ORIGINS`: the origins of web pages that may call the API, separated by commas, or `*` for all, which
    /// production refuses. Default empty: none.
    pub allowed_origins: AllowedOrigins,
    /// `TRUST_PROXY`: true if a proxy in front sets `X-Forwarded-For` and `X-Forwarded-Proto`. Default false, because
    /// any client can send these headers.
    pub trust_proxy: bool,
    /// Listening address: `BIND_ADDRESS`, otherwise 127.0.0.1 with header authentication outside production (where any
    /// client could claim any account), otherwise all addresses.
    pub bind_address: IpAddr,
    /// Accept only requests whose Host names this machine. True with header authentication outside production:
    /// otherwise a web page whose host name resolves to this machine could make requests as any account.
    pub only_local_hosts: bool,
    /// `PAGE`: serve the web page at `/app`, on or off. Default on.
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

/// True for scheme, host and optional port in the form that browsers send; no other form would ever match.
fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
    !authority.is_empty() && authority.bytes().all(is_allowed)
}
