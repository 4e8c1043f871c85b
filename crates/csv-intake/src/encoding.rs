//! A guess at a file's encoding. It is only reported and never used for decoding, because a wrong guess would silently
//! change names and addresses.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// Number of bytes sufficient for a guess.
pub(super) const GUESS_BYTES: usize = 16 * 1024;

/// Name of the likely encoding of bytes that are not UTF-8; `None` if they are not text in that encoding either.
pub(super) fn likely(sample: &[u8]) -> Option<&'static str> {
    let sample = &sample[..sample.len().min(GUESS_BYTES)];
    if let Some(encoding) = utf_16(sample) {
        return Some(encoding.name());
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let (text, _, _) = encoding.decode(sample);
    let is_text =
        !text.contains(|char: char| char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{1a}'));
    (is_text && !text.contains('\u{fffd}')).then(|| encoding.name())
}

/// Detects UTF-16 without a mark: in most scripts every second byte of a header is zero.
fn utf_16(sample: &[u8]) -> Option<&'static Encoding> {
    let pairs = sample.len() / 2;
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    match () {
        () if low * 4 > pairs * 3 && high == 0 => Some(UTF_16LE),
        () if high * 4 > pairs * 3 && low == 0 => Some(UTF_16BE),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_encodings_are_recognised() {
        let windows = b"name;stra\xdfe\r\nJ\xfcrgen M\xfcller;Gr\xfcner Weg 5\r\n";
        assert_eq!(likely(windows), Some("windows-1252"));
        let utf_16: Vec<u8> =
            "email,name\nann@a.example,Ann\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(likely(&utf_16), Some("UTF-16LE"));
        assert_eq!(likely(&utf_16[1..]), Some("UTF-16BE"));
    }

    #[test]
    fn what_is_no_text_in_any_encoding_is_not_guessed_at() {
        assert_eq!(likely(b"\x00\x01\x02\xff\xfe\x80\x03"), None);
    }
}
