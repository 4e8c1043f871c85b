//! Keeps spreadsheets from running uploaded cells: results are byte for byte what was uploaded, and an attacker's cell
//! that begins like a formula would be one in the program of whoever opens the download.

use std::borrow::Cow;

/// The first characters that make a formula of a cell, after OWASP's page on CSV injection. The last four are the full
/// width forms that some spreadsheets treat alike.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The cell as it may be shown to a spreadsheet: with an apostrophe before it if it begins like a formula. Plain numbers
/// with a sign, such as `-12.5`, stay as they are.
pub fn neutralise(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(FORMULA_STARTS) && !is_number(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

fn is_number(cell: &str) -> bool {
    let is_numeric = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    // The characters are looked at too, because `f64` also takes `-inf` and `+nan`.
    cell.bytes().all(is_numeric) && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_get_an_apostrophe() {
        for cell in [
            "=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=", "-", "+", "-inf", "+nan", "--1",
            "-1e", "＝1", "+49 30 1", "-12,5",
        ] {
            assert_eq!(neutralise(cell), format!("'{cell}"), "{cell:?}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for cell in ["", "a=b", " =1", "'=1", "1", "-12.5", "+1", "-0", "+.5", "-1e5", "-1.5E-3", "ä", "\"=1"]
        {
            assert!(matches!(neutralise(cell), Cow::Borrowed(same) if same == cell), "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_begins_like_a_formula_unless_it_is_a_number(cell in "[-=+@\t\r\n0-9.eE'A-C]{0,8}") {
            let shown = neutralise(&cell);
            let is_number = shown.parse::<f64>().is_ok();
            prop_assert!(!shown.starts_with(FORMULA_STARTS) || is_number, "{:?}", shown);
            prop_assert!(shown == cell || shown.strip_prefix('\'') == Some(cell.as_str()));
        }
    }
}
