//! Rate limit per address, by tower-governor, before authentication. It is wide, because many accounts may share the
//! address of a gateway.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, Request};
use axum::response::{IntoResponse, Response};
use bulk_core::config::RateLimitConfig;
use governor::middleware::NoOpMiddleware;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use super::headers::write_headers;
use super::quota::{Decision, Quota, Standing};
use crate::error::ApiError;

/// Set by proxies; each appends the address of its own client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client: the peer's address or, with `TRUST_PROXY`, the last `X-Forwarded-For` entry. Only the
/// last entry was written by the proxy; a client can send the others. Own code, because tower_governor's
/// `SmartIpKeyExtractor` trusts the first entry (not reported upstream; remove this when it can take the last).
pub(crate) fn client_address(
    extensions: &Extensions,
    headers: &HeaderMap,
    trust_proxy: bool,
) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let forwarded = || {
        let last = headers.get_all(FORWARDED_FOR).iter().next_back()?;
        last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    };
    if trust_proxy { forwarded().or(peer) } else { peer }
}

/// Address used as the key: IPv6 addresses count by /64 network, since one customer has 2^64 of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressKey {
    trust_proxy: bool,
}

impl KeyExtractor for AddressKey {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        let address = client_address(request.extensions(), request.headers(), self.trust_proxy);
        address.map(network).ok_or(GovernorError::UnableToExtractKey)
    }
}

/// The network of one customer.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// The buckets, one per address.
pub(crate) struct AddressLimit {
    config: Arc<GovernorConfig<AddressKey, NoOpMiddleware>>,
    quota: Quota,
}

impl AddressLimit {
    /// The configured limit. `None` only for a limit or interval of zero, which the configuration rejects.
    pub(crate) fn new(limits: &RateLimitConfig, trust_proxy: bool) -> Option<Self> {
        let quota = Quota::new("address", limits.max_requests_per_address, limits.window);
        let config = GovernorConfigBuilder::default()
            // Time in which one request is refilled.
            .period(Duration::from_micros(quota.interval_us()))
            .burst_size(quota.limit)
            .key_extractor(AddressKey { trust_proxy })
            .finish()?;
        Some(Self { config: Arc::new(config), quota })
    }

    /// The layer that enforces the limit.
    pub(crate) fn layer(&self) -> GovernorLayer<AddressKey, NoOpMiddleware, Body> {
        let quota = self.quota.clone();
        GovernorLayer::new(Arc::clone(&self.config)).error_handler(move |error| refusal(&quota, &error))
    }

    /// Drops full buckets, which are the same as new ones.
    pub(crate) fn forget_full_buckets(&self) {
        self.config.limiter().retain_recent();
        self.config.limiter().shrink_to_fit();
    }
}

fn refusal(quota: &Quota, error: &GovernorError) -> Response {
    let GovernorError::TooManyRequests { wait_time: wait_s, .. } = error else {
        return ApiError::internal("a request without the address that it came from").into_response();
    };
    // The crate truncates the wait to whole seconds.
    let retry_after = Duration::from_secs(wait_s + 1);
    let mut response = ApiError::RateLimited { retry_after }.into_response();
    let standings = vec![Standing::new(quota, quota.capacity_us())];
    write_headers(response.headers_mut(), &Decision::Refused { standings, retry_after });
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&'static str], trust_proxy: bool) -> String {
        let mut request = Request::new(());
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        for value in forwarded {
            request.headers_mut().append(FORWARDED_FOR, value.parse().unwrap());
        }
        AddressKey { trust_proxy }.extract(&request).unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxys_own_word_counts() {
        assert_eq!(address("10.0.0.1:5", &["1.2.3.4"], false), "10.0.0.1");
        assert_eq!(address("10.0.0.1:5", &["1.2.3.4"], true), "1.2.3.4");
        assert_eq!(address("10.0.0.1:5", &["6.6.6.6, 1.2.3.4"], true), "1.2.3.4");
        assert_eq!(address("10.0.0.1:5", &["6.6.6.6", "1.2.3.4"], true), "1.2.3.4");
        assert_eq!(address("10.0.0.1:5", &["nonsense"], true), "10.0.0.1");
        assert_eq!(address("10.0.0.1:5", &[], true), "10.0.0.1");
    }

    #[test]
    fn a_network_of_one_customer_is_one_address() {
        assert_eq!(address("[2001:db8:1:2:3:4:5:6]:5", &[], false), "2001:db8:1:2::");
        assert_eq!(address("[::ffff:10.0.0.1]:5", &[], false), "10.0.0.1", "IPv4 over an IPv6 socket");
    }
}
