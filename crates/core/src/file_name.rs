//! File names from clients and for browsers.

use std::fmt::Write as _;

/// True for characters that are invisible but affect others: control characters, and characters that change the writing
/// direction (which can make an `exe` look like a `csv`), join others, or have no width.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The `Content-Disposition` value for saving a file under this name (RFC 6266): an ASCII name for every client and, if
/// the name has other characters, an encoded one for clients that support RFC 8187.
#[must_use]
pub(crate) fn content_disposition(name: &str) -> String {
    let is_plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !['"', '\\', '%'].contains(&c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_language_arrives_whole() {
        assert_eq!(content_disposition("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(
            content_disposition("Müller \"1\".csv"),
            "attachment; filename=\"M_ller _1_.csv\"; filename*=UTF-8''M%C3%BCller%20%221%22.csv"
        );
        let injected = content_disposition("a\r\nX: y\".csv");
        assert!(!injected.contains(['\r', '\n']) && injected.matches('"').count() == 2, "{injected}");
    }

    #[test]
    fn characters_that_hide_or_turn_others_are_invisible() {
        for character in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\n', '\u{85}', '\u{ad}'] {
            assert!(is_invisible(character), "{character:?}");
        }
        assert!(!"Kunden Müller 田中 \u{e9}\u{a0}".chars().any(is_invisible));
    }
}
