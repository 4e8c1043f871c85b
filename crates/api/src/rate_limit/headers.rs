//! Rate-limit headers of responses: the three common ones (`RateLimit-Limit`, `-Remaining`, `-Reset`) for the quota
//! nearest to exhaustion, and the two of the current draft (draft-ietf-httpapi-ratelimit-headers) for all quotas.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::quota::{Decision, Standing};
use crate::error::whole_seconds;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Adds the headers for `decision`.
pub(crate) fn write_headers(headers: &mut HeaderMap, decision: &Decision) {
    let (Decision::Allowed(standings) | Decision::Refused { standings, .. }) = decision;
    if let Some(nearest) = standings.iter().min_by_key(|standing| standing.remaining) {
        headers.insert(LIMIT, nearest.quota.limit.into());
        headers.insert(REMAINING, nearest.remaining.into());
        headers.insert(RESET, whole_seconds(nearest.reset).into());
    }
    let policy = |standing: &Standing| {
        format!(
            "\"{}\";q={};w={}",
            standing.quota.name,
            standing.quota.limit,
            whole_seconds(standing.quota.window)
        )
    };
    let state = |standing: &Standing| {
        format!("\"{}\";r={};t={}", standing.quota.name, standing.remaining, whole_seconds(standing.reset))
    };
    for (name, value) in [(POLICY, list(standings, policy)), (STATE, list(standings, state))] {
        headers.extend(value.map(|value| (name, value)));
    }
}

fn list(standings: &[Standing], item: impl Fn(&Standing) -> String) -> Option<HeaderValue> {
    HeaderValue::try_from(standings.iter().map(item).collect::<Vec<_>>().join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::quota::Quota;
    use super::*;

    #[test]
    fn the_nearest_limit_is_named_and_times_are_rounded_up() {
        let minute = Duration::from_secs(60);
        let standing = |name, limit, missing_us| Standing::new(&Quota::new(name, limit, minute), missing_us);
        let standings = vec![standing("requests", 600, 100_001), standing("uploads", 6, 60_000_000)];
        let mut headers = HeaderMap::new();
        write_headers(&mut headers, &Decision::Allowed(standings));
        let expected = [
            ("ratelimit-limit", "6"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "60"),
            ("ratelimit-policy", "\"requests\";q=600;w=60, \"uploads\";q=6;w=60"),
            ("ratelimit", "\"requests\";r=598;t=1, \"uploads\";r=0;t=60"),
        ];
        for (name, value) in expected {
            assert_eq!(headers[name], value, "{name}");
        }
    }
}
