//! Cleaning of a cell: removes invisible characters at its ends, and what spreadsheets and our own `spreadsheetSafe`
//! download put around a value.

use std::borrow::Cow;

use crate::spreadsheet;

/// The value of a cell: without white space and invisible characters at both ends, `="00123"` as `00123`, and without
/// the apostrophe that keeps a spreadsheet from running a formula.
#[must_use]
pub fn clean(cell: &str) -> Cow<'_, str> {
    // Fast path: nothing is put around a value that begins with a letter or a digit.
    if let [first, .., b'!'..=b'~'] = cell.as_bytes()
        && first.is_ascii_alphanumeric()
    {
        return Cow::Borrowed(cell);
    }
    let value = trim(cell);
    // Each round removes one layer, so that a cell has the same value before and after a spreadsheet-safe download. A
    // cell escaped by such a download may end in white space.
    let inner =
        spreadsheet::restore(cell.trim_start_matches(is_unseen)).or_else(|| spreadsheet::restore(value));
    match inner.or_else(|| quoted(value)) {
        Some(inner) => Cow::Owned(clean(&inner).into_owned()),
        None => Cow::Borrowed(value),
    }
}

/// The cell without white space and invisible characters at both ends.
#[must_use]
pub fn trim(cell: &str) -> &str {
    // Fast path: most cells begin and end with a visible ASCII character.
    match cell.as_bytes() {
        [b'!'..=b'~'] => cell,
        [b'!'..=b'~', .., b'!'..=b'~'] => cell,
        _ => cell.trim_matches(is_unseen),
    }
}

fn is_unseen(char: char) -> bool {
    char.is_whitespace() || is_format(char)
}

/// The text inside `="text"`, a notation that keeps spreadsheets from changing it.
fn quoted(value: &str) -> Option<String> {
    let quoted = value.strip_prefix("=\"")?.strip_suffix('"')?;
    // A formula such as ="a"&"b" is not quoted text.
    let unescaped = quoted.replace("\"\"", "");
    (!unescaped.contains('"')).then(|| quoted.replace("\"\"", "\""))
}

/// True if the character is not drawn: format characters (Cf) and the others that Unicode lets fonts ignore.
#[must_use]
pub fn is_invisible(char: char) -> bool {
    is_format(char)
        || matches!(char,
            '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Format characters (Cf) that are not drawn. Excluded are those that are drawn (the Arabic number signs and the like),
/// and the tags, which are part of the flags of England, Scotland and Wales.
fn is_format(char: char) -> bool {
    matches!(char,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spreadsheet::neutralise;

    #[test]
    fn invisible_characters_at_the_ends_are_removed() {
        for (cell, value) in [
            ("", ""),
            ("a", "a"),
            ("  a b\t\r\n", "a b"),
            ("\u{200b}ann@zwsp.example", "ann@zwsp.example"),
            ("\u{feff} \u{ad}ann\u{2060}\u{a0}\u{3000}", "ann"),
            (" \u{200b} ", ""),
            ("a\u{200b}b", "a\u{200b}b"),
            ("\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}"),
            ("\u{6dd}", "\u{6dd}"),
        ] {
            assert_eq!(clean(cell), value, "{cell:?}");
        }
    }

    #[test]
    fn characters_put_around_a_value_are_removed() {
        for (cell, value) in [
            ("=\"00123\"", "00123"),
            (" =\"00123\" ", "00123"),
            ("=\" a \"\"b\"\" \"", "a \"b\""),
            ("=\"\"", ""),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("=\"", "=\""),
            ("'=1+1", "=1+1"),
            ("'+49 30 1", "+49 30 1"),
            ("'=\"00123\"", "00123"),
            ("'x", "'x"),
            ("'", "'"),
            ("''=1", "''=1"),
            ("'tis", "'tis"),
        ] {
            assert_eq!(clean(cell), value, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(cell in any::<String>()) {
            let once = clean(&cell).into_owned();
            prop_assert_eq!(clean(&once), once.as_str());
        }

        #[test]
        fn a_cell_means_the_same_after_a_spreadsheet_safe_download(cell in "[-=+@\t\r\n ;,|\"'a1]{0,10}|.{0,8}") {
            let shown = neutralise(&cell);
            prop_assert_eq!(clean(&shown), clean(&cell), "{:?}", shown);
        }
    }
}
