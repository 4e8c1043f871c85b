//! The trace id shared by everything that one request causes, in this process and in later ones.
//!
//! It is the trace id of W3C Trace Context, shown as a UUID. Span ids are generated for outgoing headers only: the
//! platform finds log lines by trace id and records no spans.

use std::fmt;

use uuid::Uuid;

/// The trace that something belongs to. As text it is the trace id as a hyphenated UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext(Uuid);

impl TraceContext {
    /// Starts a new trace with a random id.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// Continues the caller's trace; `None` if the `traceparent` header is invalid.
    #[must_use]
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let version = lower_hex(parts.next()?, 2)?;
        let trace_id = lower_hex(parts.next()?, 32)?;
        let span_id = lower_hex(parts.next()?, 16)?;
        lower_hex(parts.next()?, 2)?;

        let has_more = parts.next().is_some();
        // Version ff is forbidden; only versions after 00 may have more parts.
        if version == "ff" || (version == "00" && has_more) || is_zero(span_id) || is_zero(trace_id) {
            return None;
        }
        Uuid::try_parse(trace_id).ok().map(Self)
    }

    /// The `traceparent` header for the next process, with a new span id.
    #[must_use]
    pub fn to_traceparent(self) -> String {
        // The second half of a version 4 UUID is random and, because of its variant bits, never zero.
        let (_, span_id) = Uuid::new_v4().as_u64_pair();
        format!("00-{}-{span_id:016x}-01", self.0.simple())
    }

    /// The trace id.
    #[must_use]
    pub fn trace_id(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for TraceContext {
    fn from(trace_id: Uuid) -> Self {
        Self(trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn lower_hex(part: &str, digits: usize) -> Option<&str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (part.len() == digits && part.bytes().all(is_digit)).then_some(part)
}

fn is_zero(hex: &str) -> bool {
    hex.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE_ID: &str = "0af76519-16cd-43dd-8448-eb211c80319c";

    #[test]
    fn the_callers_trace_id_goes_on() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = TraceContext::from_traceparent(header).unwrap();
        assert_eq!(trace.to_string(), TRACE_ID);
        let next = trace.to_traceparent();
        assert!(next.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && next.ends_with("-01"), "{next}");
        assert_ne!(next, header, "each hop has a span id of its own");
        assert_eq!(TraceContext::from_traceparent(&next), Some(trace));
    }

    #[test]
    fn a_malformed_traceparent_is_not_taken() {
        for header in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031\u{e9}-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::from_traceparent(header), None, "{header:?}");
        }
    }

    #[test]
    fn a_later_version_may_carry_more() {
        let header = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
        assert!(TraceContext::from_traceparent(header).is_some());
    }

    #[test]
    fn two_new_traces_differ() {
        assert_ne!(TraceContext::new(), TraceContext::new());
    }
}
