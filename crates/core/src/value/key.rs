//! Rules for a text that identifies a record: all of it is visible, and a spreadsheet has not shortened it.

use csv_intake::clean::is_invisible;

const SHORTENED: &str = "was shortened by a spreadsheet, which shows long numbers like 5.9E+12: format the column as text, \
                         or as a number without decimals, and export it again";

/// Checks a key. Keys that look alike must be equal, and a number shortened by a spreadsheet stands for several keys.
///
/// # Errors
/// If the key has an invisible or control character, or is a number in scientific notation.
pub fn key(text: &str) -> Result<&str, String> {
    visible(text)?;
    if is_shortened(text) { Err(SHORTENED.to_owned()) } else { Ok(text) }
}

/// Checks that the text has no invisible character.
pub(super) fn visible(text: &str) -> Result<(), String> {
    // Fast path: printable ASCII, which most keys consist of.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    for (position, char) in (1..).zip(text.chars()) {
        if char.is_control() || is_invisible(char) || is_other_space(char) {
            return Err(describe(char, position));
        }
    }
    Ok(())
}

fn describe(char: char, position: usize) -> String {
    let kind = match () {
        () if char.is_control() => "a control character",
        () if char.is_whitespace() => "a space that looks like a plain one",
        () => "an invisible character",
    };
    let code = format!("U+{:04X}", u32::from(char));
    let name = name(char).map_or_else(|| code.clone(), |name| format!("{name}, {code}"));
    format!("contains {kind} ({name}) at position {position}")
}

/// White space that looks like a plain space and is another character. The wide space of East Asian text is seen as such.
fn is_other_space(char: char) -> bool {
    char.is_whitespace() && !matches!(char, ' ' | '\u{3000}')
}

/// Names of the invisible characters that occur in practice.
fn name(char: char) -> Option<&'static str> {
    Some(match char {
        '\0' => "NUL",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\u{1a}' => "Ctrl-Z",
        '\u{85}' => "next line",
        '\u{a0}' => "no-break space",
        '\u{ad}' => "soft hyphen",
        '\u{34f}' => "combining grapheme joiner",
        '\u{61c}' => "Arabic letter mark",
        '\u{180e}' => "Mongolian vowel separator",
        '\u{200b}' => "zero width space",
        '\u{200c}' => "zero width non-joiner",
        '\u{200d}' => "zero width joiner",
        '\u{200e}' => "left-to-right mark",
        '\u{200f}' => "right-to-left mark",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "mark of writing direction",
        '\u{202f}' => "narrow no-break space",
        '\u{2060}' => "word joiner",
        '\u{3164}' => "Hangul filler",
        '\u{fe00}'..='\u{fe0f}' => "variation selector",
        '\u{feff}' => "byte order mark",
        _ => return None,
    })
}

/// True for `5.9E+12`, also with a comma: one digit before the mark, and an exponent with its sign or after decimals.
fn is_shortened(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = mantissa.split_once(['.', ',']).map_or((mantissa, None), |(w, d)| (w, Some(d)));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let (digits, is_signed) = exponent.strip_prefix('+').map_or((exponent, false), |digits| (digits, true));
    is_digits(whole)
        && whole.len() == 1
        && decimals.is_none_or(is_digits)
        && is_digits(digits)
        && digits.len() >= 2
        && (is_signed || decimals.is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_that_everybody_reads_alike_are_taken() {
        for text in [
            "a",
            "A-1 b",
            "Größe 5",
            "5901234123457",
            "1E10",
            "5E12",
            "E+12",
            "12E+3",
            "5.9E+",
            "5.9E+1x",
            "東京",
            "東\u{3000}京",
            "👍",
        ] {
            assert_eq!(key(text), Ok(text), "{text}");
        }
    }

    #[test]
    fn a_character_that_nobody_sees_is_named_with_its_place() {
        for (text, sentence) in [
            ("ann\u{200b}x", "contains an invisible character (zero width space, U+200B) at position 4"),
            ("a\u{ad}b", "contains an invisible character (soft hyphen, U+00AD) at position 2"),
            ("äö\u{feff}b", "contains an invisible character (byte order mark, U+FEFF) at position 3"),
            (
                "a\u{202e}b",
                "contains an invisible character (mark of writing direction, U+202E) at position 2",
            ),
            ("a\u{e0061}b", "contains an invisible character (U+E0061) at position 2"),
            (
                "A\u{a0}1",
                "contains a space that looks like a plain one (no-break space, U+00A0) at position 2",
            ),
            ("a\tb", "contains a control character (tab, U+0009) at position 2"),
            ("a\0", "contains a control character (NUL, U+0000) at position 2"),
            ("a\u{7}b", "contains a control character (U+0007) at position 2"),
        ] {
            assert_eq!(key(text).unwrap_err(), sentence, "{text:?}");
        }
    }

    #[test]
    fn a_number_that_a_spreadsheet_shortened_is_no_key() {
        for text in ["5.9E+12", "5.90123E+12", "5,90123E+12", "4E+15", "-1.2e+10", "5.9E12"] {
            assert_eq!(key(text).unwrap_err(), SHORTENED, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_that_is_taken_is_visible(text in ".*") {
            if key(&text).is_ok() {
                prop_assert!(!text.chars().any(|char| char.is_control() || is_invisible(char)));
            }
        }
    }
}
