//! A guess at a file's encoding. It is only reported and never used for decoding, because a wrong guess would silently
//! change names and addresses.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, UTF_16LE};

use super::dialect::TextEncoding;

/// Number of bytes sufficient for a guess.
pub(super) const GUESS_BYTES: usize = 16 * 1024;
/// Valid characters for each wrong byte from which a text is UTF-8 with a line of something else in it.
const MOSTLY: usize = 3;
/// Most bytes of a character that the end of the sample may tear apart.
const LONGEST_CHAR_BYTES: usize = 4;

/// The likely encoding of bytes that are not UTF-8, or UTF-8 if all but a few are; `None` if they are not text in
/// that encoding either.
pub(super) fn likely(sample: &[u8]) -> Option<TextEncoding> {
    let is_cut = sample.len() > GUESS_BYTES;
    let sample = &sample[..sample.len().min(GUESS_BYTES)];
    if let Some(encoding) = utf_16(sample) {
        return Some(TextEncoding::of(encoding));
    }
    if is_mostly_utf_8(sample) {
        return Some(TextEncoding::UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, !is_cut);
    let guessed = detector.guess(None, Utf8Detection::Deny);
    let encoding = if is_macintosh(sample, guessed) { MACINTOSH } else { guessed };
    is_text(sample, encoding, is_cut).then(|| TextEncoding::of(encoding))
}

fn is_text(sample: &[u8], encoding: &'static Encoding, is_cut: bool) -> bool {
    let is_text = |bytes: &[u8]| {
        let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
        let is_odd = |char: char| char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{1a}');
        !has_errors && !text.contains(is_odd)
    };
    let torn = if is_cut { LONGEST_CHAR_BYTES } else { 1 };
    (0..torn).any(|end| is_text(&sample[..sample.len().saturating_sub(end)]))
}

/// Detects UTF-16 without a mark: in most scripts every second byte of a header is zero.
fn utf_16(sample: &[u8]) -> Option<&'static Encoding> {
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let encoding = match () {
        () if low > high * 8 => UTF_16LE,
        () if high > low * 8 => UTF_16BE,
        () => return None,
    };
    let whole = &sample[..sample.len() / 2 * 2];
    let (text, _) = encoding.decode_without_bom_handling(whole);
    let is_odd = |char: char| char == '\u{fffd}' || (char.is_control() && !char.is_whitespace());
    let odd = text.chars().filter(|char| is_odd(*char)).count();
    // The end of the sample may tear a pair apart.
    (odd <= 1 && text.contains(['\n', '\r'])).then_some(encoding)
}

/// True if the text has many more valid UTF-8 characters beyond ASCII than invalid bytes.
fn is_mostly_utf_8(sample: &[u8]) -> bool {
    let (mut valid, mut wrong) = (0, 0);
    for chunk in sample.utf8_chunks() {
        valid += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    wrong > 0 && valid >= wrong * MOSTLY
}

/// True if letters inside words are lower case in the encoding of old Macs, and not in the guessed one. Detectors of the
/// web's encodings do not look for it.
fn is_macintosh(sample: &[u8], guessed: &'static Encoding) -> bool {
    if !guessed.is_single_byte() {
        return false;
    }
    let inside = |index: &usize| {
        !sample[*index].is_ascii()
            && index.checked_sub(1).is_some_and(|before| sample[before].is_ascii_lowercase())
    };
    let after_small: Vec<u8> = (0..sample.len()).filter(inside).map(|index| sample[index]).collect();
    let small = |encoding: &'static Encoding| {
        let (text, _) = encoding.decode_without_bom_handling(&after_small);
        text.chars().filter(|char| char.is_lowercase()).count()
    };
    let in_macintosh = small(MACINTOSH);
    in_macintosh > small(guessed) && in_macintosh * 5 >= after_small.len() * 4
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GBK, SHIFT_JIS};

    use super::*;

    fn likely(sample: &[u8]) -> Option<&'static str> {
        super::likely(sample).map(TextEncoding::name)
    }

    #[test]
    fn common_encodings_are_recognised() {
        let windows = b"name;stra\xdfe\r\nJ\xfcrgen M\xfcller;Gr\xfcner Weg 5\r\n";
        assert_eq!(likely(windows), Some("windows-1252"));
        let utf_16: Vec<u8> =
            "email,name\nann@a.example,Ann\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(likely(&utf_16), Some("UTF-16LE"));
        assert_eq!(likely(&utf_16[1..]), Some("UTF-16BE"));
        let greek: Vec<u8> =
            "email\nΕλένη Παπαδοπούλου, Αθήνα".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(likely(&greek), Some("UTF-16BE"));
        let macintosh = MACINTOSH.encode("name\nJürgen Müller, Köln\nBjörn, Göteborg\nFrançois, Orléans").0;
        assert_eq!(likely(&macintosh), Some("macintosh"));
    }

    #[test]
    fn a_zero_byte_in_utf_8_suggests_no_encoding() {
        assert_eq!(likely(b"em\0ail,name\nada@example.com,Ada\n"), None);
    }

    #[test]
    fn a_sample_may_end_inside_a_character() {
        for encoding in [SHIFT_JIS, GBK] {
            for padding in 0..2 {
                let text = " ".repeat(padding) + &"山田太郎東京都千代田区\n".repeat(2000);
                let (bytes, _, _) = encoding.encode(&text);
                assert!(bytes.len() > GUESS_BYTES);
                assert!(likely(&bytes).is_some(), "{} {padding}", encoding.name());
            }
        }
    }

    #[test]
    fn a_line_of_something_else_does_not_make_it_another_encoding() {
        let mixed = ["Größe Müßig Žofie\n".as_bytes(), b"M\xfcller\n"].concat();
        assert_eq!(likely(&mixed), Some("UTF-8"));
        assert_eq!(likely(b"M\xfcller, Gr\xf6\xdfe\n"), Some("windows-1252"));
    }

    #[test]
    fn bytes_that_are_no_text_get_no_guess() {
        assert_eq!(likely(b"\x00\x01\x02\xff\xfe\x80\x03"), None);
    }
}
