//! The limit of an address, by tower-governor: the one thing that every request passes before anybody is asked who is
//! calling. It is wide, because an address may be a gateway with many accounts behind it.

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
use super::quota::{Quota, Standing, Verdict};
use crate::error::ApiError;

/// Set by proxies; each appends the address that it was called from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request came from: of whoever connected, or of whom the proxy in front says it was called by. Of
/// several such addresses only the last is the proxy's word; the caller may have written the others.
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

/// Addresses count by network where a single customer has 2^64 of them.
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

/// The address of one customer.
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
    /// The limit as it is set; none if the builder refuses a limit or an interval of zero, which the settings do before it.
    pub(crate) fn new(limits: &RateLimitConfig, trust_proxy: bool) -> Option<Self> {
        let quota = Quota::new("address", limits.max_requests_per_address, limits.window);
        let config = GovernorConfigBuilder::default()
            // The time for one request to flow in.
            .period(Duration::from_micros(quota.interval_us()))
            .burst_size(quota.limit)
            .key_extractor(AddressKey { trust_proxy })
            .finish()?;
        Some(Self { config: Arc::new(config), quota })
    }

    /// The layer that applies it.
    pub(crate) fn layer(&self) -> GovernorLayer<AddressKey, NoOpMiddleware, Body> {
        let quota = self.quota.clone();
        GovernorLayer::new(Arc::clone(&self.config)).error_handler(move |error| refusal(&quota, &error))
    }

    /// Forgets the buckets that are full again.
    pub(crate) fn forget_full_buckets(&self) {
        self.config.limiter().retain_recent();
        self.config.limiter().shrink_to_fit();
    }
}

fn refusal(quota: &Quota, error: &GovernorError) -> Response {
    let GovernorError::TooManyRequests { wait_time: wait_s, .. } = error else {
        return ApiError::internal("a request without the address that it came from").into_response();
    };
    // The crate cuts the wait off to whole seconds.
    let retry_after = Duration::from_secs(wait_s + 1);
    let mut response = ApiError::RateLimited { retry_after }.into_response();
    let standings = vec![Standing::new(quota, quota.capacity_us())];
    write_headers(response.headers_mut(), &Verdict::Refused { standings, retry_after });
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
