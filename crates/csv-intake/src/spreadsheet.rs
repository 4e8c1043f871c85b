//! Escapes cells for spreadsheets. Results contain uploaded cells unchanged, and an attacker's cell that looks like a
//! formula would run in the program of the person who opens the download. [`restore`] reverts it.

use std::borrow::Cow;

/// First characters that make a cell a formula, from OWASP's page on CSV injection. The last four are full-width forms
/// that some spreadsheets treat alike.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// Characters at which a program with another delimiter, or one that ignores quotes, starts a new cell.
const SEPARATORS: [char; 6] = ['\t', '\r', '\n', ',', ';', '|'];
const SHIELD: char = '\'';

/// The cell escaped for a spreadsheet: if any part of it looks like a formula, an apostrophe is put before the cell and
/// before each part that could become a cell of its own. Plain numbers with a sign, such as `-12.5`, are unchanged.
#[must_use]
pub fn neutralise(cell: &str) -> Cow<'_, str> {
    if !cell.contains(FORMULA_STARTS) {
        return Cow::Borrowed(cell);
    }
    let mut shown = String::with_capacity(cell.len() + 8);
    shown.push(SHIELD);
    let mut is_changed = cell.starts_with(FORMULA_STARTS) && !is_number(cell);
    for (index, piece) in pieces(cell).enumerate() {
        // A part that is escaped already gets a second apostrophe, so that removing one restores it.
        if index > 0 && begins_formula(piece.trim_start_matches(SHIELD)) {
            shown.push(SHIELD);
            is_changed = true;
        }
        shown.push_str(piece);
    }
    if is_changed { Cow::Owned(shown) } else { Cow::Borrowed(cell) }
}

/// The cell from which [`neutralise`] made `shown`; `None` if `shown` is not its output.
#[must_use]
pub(crate) fn restore(shown: &str) -> Option<String> {
    let rest = shown.strip_prefix(SHIELD)?;
    let unshielded = |(index, piece)| -> &str {
        let piece: &str = piece;
        let original = piece.strip_prefix(SHIELD).filter(|_| index > 0);
        original.filter(|original| begins_formula(original.trim_start_matches(SHIELD))).unwrap_or(piece)
    };
    let cell: String = pieces(rest).enumerate().map(unshielded).collect();
    (neutralise(&cell) == shown).then_some(cell)
}

/// The parts into which the cell could be split, each with the separator that ends it.
fn pieces(cell: &str) -> impl Iterator<Item = &str> {
    cell.split_inclusive(SEPARATORS)
}

/// True if a spreadsheet runs a part of a cell as a formula.
fn begins_formula(piece: &str) -> bool {
    let body = piece.strip_suffix(SEPARATORS).unwrap_or(piece);
    opened(body).starts_with(FORMULA_STARTS) && !is_number(body)
}

/// The content of a part that starts with quotes, which is what a spreadsheet would run.
fn opened(piece: &str) -> &str {
    piece.trim_start_matches('"')
}

fn is_number(cell: &str) -> bool {
    let is_numeric = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    // The characters are checked too, because `f64` also parses `-inf` and `+nan`.
    cell.bytes().all(is_numeric) && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_get_an_apostrophe() {
        for cell in [
            "=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r1", "\n1", "=", "-", "+", "-inf", "+nan", "--1",
            "-1e", "＝1", "+49 30 1", "-12,5",
        ] {
            let shown = neutralise(cell);
            assert!(shown.starts_with('\''), "{cell:?}");
            assert_eq!(restore(&shown).as_deref(), Some(cell), "{shown:?}");
        }
        assert_eq!(neutralise("=1+1"), "'=1+1");
    }

    #[test]
    fn formulas_inside_a_cell_get_one_too() {
        for (cell, shown) in [
            ("x\t=cmd", "'x\t'=cmd"),
            ("x;=cmd|' /C calc'!A0", "'x;'=cmd|' /C calc'!A0"),
            ("x\n+1+1\n-2-2", "'x\n'+1+1\n'-2-2"),
            ("a,\"=1\"", "'a,'\"=1\""),
            ("=1,=2", "'=1,'=2"),
            ("'x;=1", "''x;'=1"),
            ("- tea\n- milk", "'- tea\n'- milk"),
            ("\t=1", "'\t'=1"),
            ("\t'=1", "'\t''=1"),
        ] {
            assert_eq!(neutralise(cell), shown, "{cell:?}");
            assert_eq!(restore(shown).as_deref(), Some(cell), "{shown:?}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for cell in [
            "", "a=b", " =1", "'=1", "1", "-12.5", "+1", "-0", "+.5", "-1e5", "-1.5E-3", "ä", "\"=1\"",
            "a, b", "a,-5", "10;-20",
        ] {
            assert!(matches!(neutralise(cell), Cow::Borrowed(same) if same == cell), "{cell:?}");
        }
        for cell in ["", "'", "'x", "''=1", "'a,'b", "=1", "'a;=1"] {
            assert_eq!(restore(cell), None, "{cell:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_begins_like_a_formula_unless_it_is_a_number(cell in "[-=+@\t\r\n0-9.eE'A-C;,|\"]{0,10}") {
            let shown = neutralise(&cell);
            for piece in shown.split(SEPARATORS).skip(1) {
                let is_number = piece.parse::<f64>().is_ok();
                prop_assert!(!opened(piece).starts_with(FORMULA_STARTS) || is_number, "{:?}", shown);
            }
            prop_assert!(!shown.starts_with(FORMULA_STARTS) || shown.parse::<f64>().is_ok(), "{:?}", shown);
        }

        #[test]
        fn a_cell_made_safe_for_spreadsheets_is_restored_on_upload(cell in "[-=+@\t\r\n0-9.eE'A-C;,|\"]{0,10}|.{0,6}") {
            let shown = neutralise(&cell);
            if shown != cell {
                prop_assert_eq!(restore(&shown), Some(cell.clone()), "{:?}", shown);
            }
        }
    }
}
