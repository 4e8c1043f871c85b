//! `Range` requests, for clients that continue an interrupted download.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// Requested part of a download.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Requested {
    /// The whole download.
    Whole,
    /// The part that the header names, resolved once the length is known.
    Part(BytePart),
}

/// A part as named by the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BytePart {
    /// From a byte, optionally up to and including another one.
    From(u64, Option<u64>),
    /// A number of bytes at the end.
    Last(u64),
}

impl BytePart {
    /// The byte range within a download of `length` bytes; `None` if it contains none of them.
    pub(crate) fn of(self, length: u64) -> Option<Range<u64>> {
        let bytes = match self {
            Self::From(first, last) => first..last.map_or(length, |last| last.saturating_add(1).min(length)),
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// Parses the headers of a request for the download with this `etag`. Several ranges, other units, invalid values, and
/// an `If-Range` with another ETag all mean the whole download.
pub(crate) fn requested(headers: &HeaderMap, etag: &str) -> Requested {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_current =
        headers.get(header::IF_RANGE).is_none_or(|condition| condition.as_bytes() == etag.as_bytes());
    match text(header::RANGE).and_then(part) {
        Some(part) if is_current => Requested::Part(part),
        _ => Requested::Whole,
    }
}

fn part(range: &str) -> Option<BytePart> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A number that does not fit lies beyond every end.
        is_number.then(|| digits.parse::<u64>().unwrap_or(u64::MAX))
    };
    let part = match (number(first), number(last), last) {
        (Some(first), Some(last), _) if first <= last => BytePart::From(first, Some(last)),
        (Some(first), None, "") => BytePart::From(first, None),
        (None, Some(count), _) if first.is_empty() => BytePart::Last(count),
        _ => return None,
    };
    unit.trim().eq_ignore_ascii_case("bytes").then_some(part)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Requested {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(etag) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(etag).unwrap());
        }
        requested(&headers, "\"a\"")
    }

    #[test]
    fn one_part_is_understood() {
        assert_eq!(asked("bytes=0-9", None), Requested::Part(BytePart::From(0, Some(9))));
        assert_eq!(asked("Bytes=5-", Some("\"a\"")), Requested::Part(BytePart::From(5, None)));
        assert_eq!(asked("bytes=-7", None), Requested::Part(BytePart::Last(7)));
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=9-5",
            "bytes=a-b",
            "rows=0-9",
            "bytes=0-1,3-4",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(range, None), Requested::Whole, "{range}");
        }
    }

    #[test]
    fn a_part_of_other_bytes_is_no_use() {
        for etag in ["\"b\"", "W/\"a\"", "Wed, 25 Nov 2026 15:00:00 GMT"] {
            assert_eq!(asked("bytes=0-9", Some(etag)), Requested::Whole, "{etag}");
        }
    }

    #[test]
    fn parts_end_where_the_download_does() {
        assert_eq!(BytePart::From(0, Some(9)).of(5), Some(0..5));
        assert_eq!(BytePart::From(2, Some(3)).of(5), Some(2..4));
        assert_eq!(BytePart::From(4, None).of(5), Some(4..5));
        assert_eq!(BytePart::From(5, None).of(5), None);
        assert_eq!(BytePart::From(0, Some(u64::MAX)).of(5), Some(0..5));
        assert_eq!(BytePart::Last(2).of(5), Some(3..5));
        assert_eq!(BytePart::Last(9).of(5), Some(0..5));
        assert_eq!(BytePart::Last(0).of(5), None);
    }
}
