//! Numbers, parsed exactly and never through a float.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{DecimalMark, ReadSettings};

/// Most digits before the mark: `numeric(17, 2)` and `numeric(19, 4)` hold as many.
const MAX_WHOLE_DIGITS: usize = 15;

const SHORTENED: &str = "must be written out in full: a spreadsheet has shortened it, so format the column as a number and export it again";

/// A whole number. Zeros after a mark change nothing and are allowed, as spreadsheets write `31.0`; three zeros
/// are not, since `1.000` is a thousand in some countries. Group separators are accepted as in [`decimal`].
///
/// # Errors
/// Any other text, and what does not fit into 64 bits.
pub fn integer(text: &str, settings: &ReadSettings) -> Result<i64, String> {
    let (is_negative, digits) = sign(text);
    let whole = whole_part(digits, settings.decimal)?;
    let signed = if is_negative { Cow::Owned(format!("-{whole}")) } else { whole };
    signed.parse().map_err(|_| {
        // All characters are digits, so only the size can be wrong.
        if is_negative {
            format!("must be {} or more", i64::MIN)
        } else {
            format!("must be {} or less", i64::MAX)
        }
    })
}

/// The digits of a whole number, without separators and without zeros after a mark.
fn whole_part(digits: &str, mark: DecimalMark) -> Result<Cow<'_, str>, String> {
    if is_digits(digits) {
        return Ok(Cow::Borrowed(digits));
    }
    let is_zeros = |fraction: &str| !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    if let Some((whole, fraction)) = digits.split_once(['.', ','])
        && is_digits(whole)
        && is_zeros(fraction)
        && !is_like_groups(whole, fraction)
    {
        return Ok(Cow::Borrowed(whole));
    }
    let plain = without_groups(digits, mark).ok_or_else(|| no_integer(digits))?;
    let (whole, fraction) = plain.split_once(mark.char()).unwrap_or((&plain, "0"));
    let is_grouped = plain.len() < digits.len();
    if !is_digits(whole) || !is_digits(fraction) || (!is_grouped && is_like_groups(whole, fraction)) {
        return Err(no_integer(digits));
    }
    if !is_zeros(fraction) {
        return Err("must be a whole number, without decimals".to_owned());
    }
    Ok(Cow::Owned(whole.to_owned()))
}

/// True if a number and its decimals could also be thousands: `1.000`.
fn is_like_groups(whole: &str, fraction: &str) -> bool {
    fraction == "000" && whole.len() <= 3 && !whole.starts_with('0')
}

fn no_integer(digits: &str) -> String {
    if is_scientific(digits) {
        return SHORTENED.to_owned();
    }
    if is_digits(&digits.replace([',', '.', '\'', ' ', '\u{a0}', '\u{202f}'], "")) {
        return "must be a whole number without separators, such as 1234".to_owned();
    }
    "must be a whole number".to_owned()
}

/// A decimal number with at most `scale` digits after the mark; further zeros are allowed. `1.000` and `1,000` mean
/// different numbers in different countries, so a group separator is accepted only if the decimal mark is present too
/// or was chosen by the uploader.
///
/// # Errors
/// If the text is not such a number, or is ambiguous.
pub fn decimal(text: &str, scale: u32, settings: &ReadSettings) -> Result<Decimal, String> {
    let (is_negative, digits) = sign(text);
    let mark = settings.decimal;
    let plain = without_groups(digits, mark).ok_or_else(|| no_decimal(digits, mark))?;
    let (whole, fraction) = plain.split_once(mark.char()).unwrap_or((&plain, "0"));
    // `.5` and `5.` are unambiguous; a mark alone is not a number.
    let is_number = match (is_digits(whole), is_digits(fraction)) {
        (true, true) => true,
        (true, false) => fraction.is_empty(),
        (false, true) => whole.is_empty() && !plain.is_empty(),
        (false, false) => false,
    };
    if !is_number {
        return Err(no_decimal(digits, mark));
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.len() > MAX_WHOLE_DIGITS {
        return Err(format!("must have at most {MAX_WHOLE_DIGITS} digits before the {}", mark.name()));
    }
    if fraction.len() > scale as usize {
        return Err(format!("must have at most {scale} digits after the {}", mark.name()));
    }
    let exact = Decimal::from_str_exact(&format!("0{whole}.{fraction}0"));
    let mut value = exact.map_err(|_| "must have fewer digits".to_owned())?;
    value.set_sign_negative(is_negative && !value.is_zero());
    Ok(value)
}

impl DecimalMark {
    fn char(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }

    fn groups_by(self, char: char) -> bool {
        match self {
            Self::Point => matches!(char, ',' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}'),
            Self::Comma => matches!(char, '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}'),
        }
    }
}

/// The number without its group separators; `None` unless they are all of one kind, each before three digits.
fn without_groups(digits: &str, mark: DecimalMark) -> Option<Cow<'_, str>> {
    let Some(separator) = digits.chars().find(|char| mark.groups_by(*char)) else {
        return Some(Cow::Borrowed(digits));
    };
    let (whole, fraction) = match digits.split_once(mark.char()) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    // The point is the default and may not have been a choice; the comma was chosen by the uploader.
    if fraction.is_none() && mark == DecimalMark::Point {
        return None;
    }
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    let is_grouped = (1..=3).contains(&first.len())
        && is_digits(first)
        && groups.clone().count() > 0
        && groups.all(|group| group.len() == 3 && is_digits(group));
    let whole = is_grouped.then(|| whole.replace(separator, ""))?;
    Some(Cow::Owned(fraction.map_or(whole.clone(), |fraction| format!("{whole}{}{fraction}", mark.char()))))
}

fn no_decimal(digits: &str, mark: DecimalMark) -> String {
    if is_scientific(digits) {
        return SHORTENED.to_owned();
    }
    let has_mark_of_others = digits.contains(if mark == DecimalMark::Point { ',' } else { '.' });
    match mark {
        DecimalMark::Point if has_mark_of_others && is_digits(&digits.replace([',', '.'], "")) => {
            "must be a number such as 1234.5, without thousands separators (where a comma marks the decimals, \
             send `decimal` = `comma`)"
                .to_owned()
        }
        _ if has_unit(digits) => {
            let example = if mark == DecimalMark::Point { "1234.5" } else { "1234,5" };
            format!("must be a number such as {example}, without a currency or another unit")
        }
        DecimalMark::Point => "must be a number such as 1234.5, without thousands separators".to_owned(),
        DecimalMark::Comma if has_mark_of_others => {
            "must be a number such as 1234,5 (where a point marks the decimals, leave out `decimal` = `comma`)".to_owned()
        }
        DecimalMark::Comma => "must be a number such as 1234,5".to_owned(),
    }
}

/// True if the text has something other than digits and separators around the number: `€ 5`, `5 EUR`, `5%`.
fn has_unit(digits: &str) -> bool {
    let number = digits.trim_matches(|char: char| {
        char.is_alphabetic()
            || char.is_whitespace()
            || matches!(char, '$' | '€' | '£' | '¥' | '₹' | '₽' | '₺' | '%')
    });
    number.len() < digits.len()
        && is_digits(&number.replace(['.', ',', '\'', '’', ' ', '\u{a0}', '\u{202f}'], ""))
}

/// Returns whether the number is negative, and the text after its sign. A typographic minus counts too.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_scientific(digits: &str) -> bool {
    digits.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        is_digits(&mantissa.replace(['.', ','], "")) && is_digits(exponent.trim_start_matches(['+', '-']))
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POINT: ReadSettings = ReadSettings { timezone: None, decimal: DecimalMark::Point };
    const COMMA: ReadSettings = ReadSettings { timezone: None, decimal: DecimalMark::Comma };

    #[test]
    fn whole_numbers() {
        for (text, value) in [
            ("0", 0),
            ("007", 7),
            ("-5", -5),
            ("+5", 5),
            ("\u{2212}5", -5),
            ("31.0", 31),
            ("31.00", 31),
            ("31.0000", 31),
            ("31,0", 31),
            ("1234.000", 1234),
            ("0.000", 0),
            ("1,234.0", 1234),
            ("-0.0", 0),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer(text, &POINT), Ok(value), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_whole_number_is_refused_with_the_reason() {
        for text in ["", "-", "+", "abc", "٣", "５", "0x10", "--1", "+-1", "½", "1e", "31.0.0x"] {
            assert_eq!(integer(text, &POINT), Err("must be a whole number".to_owned()), "{text}");
        }
        for text in ["1,000", "1.000", "1 000", "1.000,0", "1'000", "1.2.3", "1.", ".0"] {
            assert!(
                integer(text, &POINT).unwrap_err().starts_with("must be a whole number without separators"),
                "{text}"
            );
        }
        for (text, value) in [
            ("1.000", 1000),
            ("1.234.567", 1_234_567),
            ("31,0", 31),
            ("31.0", 31),
            ("7", 7),
            ("-1.000,0", -1000),
        ] {
            assert_eq!(integer(text, &COMMA), Ok(value), "{text}");
        }
        for text in ["1,000", "1,5", "1.5"] {
            assert!(integer(text, &COMMA).unwrap_err().starts_with("must be a whole number"), "{text}");
        }
        assert_eq!(integer("1.5", &POINT).unwrap_err(), "must be a whole number, without decimals");
        for text in ["1e3", "1.5E+10", "1,5E+10"] {
            assert_eq!(integer(text, &POINT).unwrap_err(), SHORTENED, "{text}");
        }
        assert_eq!(
            integer("9223372036854775808", &POINT).unwrap_err(),
            "must be 9223372036854775807 or less"
        );
        assert_eq!(
            integer("-9223372036854775809", &POINT).unwrap_err(),
            "must be -9223372036854775808 or more"
        );
    }

    #[test]
    fn decimals_are_taken_exactly() {
        for (text, settings, shown) in [
            ("0", POINT, "0"),
            ("-0.00", POINT, "0"),
            ("12", POINT, "12"),
            ("+12.3", POINT, "12.3"),
            ("0.10", POINT, "0.1"),
            (".5", POINT, "0.5"),
            ("5.", POINT, "5"),
            ("100.0000", POINT, "100"),
            ("1.5000000000000000000000000000000000000", POINT, "1.5"),
            ("0000000000000000000000000000000000001.25", POINT, "1.25"),
            ("999999999999999.99", POINT, "999999999999999.99"),
            ("\u{2212}1.5", POINT, "-1.5"),
            ("1,234.50", POINT, "1234.5"),
            ("1'234'567.5", POINT, "1234567.5"),
            ("1 234.5", POINT, "1234.5"),
            ("1234,5", COMMA, "1234.5"),
            ("1.234,50", COMMA, "1234.5"),
            ("1.234.567,5", COMMA, "1234567.5"),
            ("1\u{202f}234,5", COMMA, "1234.5"),
            ("1.234", COMMA, "1234"),
            ("-1.234,5", COMMA, "-1234.5"),
            ("7", COMMA, "7"),
            (",5", COMMA, "0.5"),
        ] {
            assert_eq!(decimal(text, 2, &settings).unwrap().normalize().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn decimals_that_could_be_misread_or_rounded_are_refused() {
        for text in [
            "",
            "-",
            ".",
            "1,5",
            "1,000",
            "1.000,00",
            "1 000",
            "٣",
            "1.2.3",
            "NaN",
            "inf",
            "€5",
            "--1",
            "12,34.5",
            "1,2345.5",
            "1,234 567.5",
            ",234.5",
            "1.5,",
            "1,,234.5",
            "(5)",
        ] {
            assert!(
                decimal(text, 2, &POINT).unwrap_err().starts_with("must be a number such as 1234.5"),
                "{text}"
            );
        }
        for text in ["", ",", "1234.5", "1.5", "1,2,3", "1.2345,6", "1,234.50", "12.34", "1..234,5"] {
            assert!(
                decimal(text, 2, &COMMA).unwrap_err().starts_with("must be a number such as 1234,5"),
                "{text}"
            );
        }
        assert!(decimal("1234,5", 2, &POINT).unwrap_err().contains("`decimal` = `comma`"));
        for text in ["€5", "5 EUR", "$1,234.50", "12%"] {
            assert!(
                decimal(text, 2, &POINT).unwrap_err().ends_with("without a currency or another unit"),
                "{text}"
            );
        }
        assert_eq!(decimal("1E+05", 2, &POINT).unwrap_err(), SHORTENED);
        assert_eq!(decimal("0.001", 2, &POINT).unwrap_err(), "must have at most 2 digits after the point");
        assert_eq!(decimal("0,12345", 4, &COMMA).unwrap_err(), "must have at most 4 digits after the comma");
        let whole = decimal("1000000000000000", 2, &POINT).unwrap_err();
        assert_eq!(whole, "must have at most 15 digits before the point");
    }

    proptest! {
        #[test]
        fn every_number_that_fits_reads_back(units in 0..10_i64.pow(17)) {
            let (whole, fraction) = (units / 100, units % 100);
            let value = Decimal::new(units, 2);
            prop_assert_eq!(decimal(&format!("{whole}.{fraction:02}"), 2, &POINT).unwrap(), value);
            prop_assert_eq!(decimal(&format!("{whole},{fraction:02}"), 2, &COMMA).unwrap(), value);
        }

        #[test]
        fn no_text_makes_it_panic_or_repeats_itself(text in "[-+0-9.,' eE\u{2212}a]{0,12}|.*") {
            for refusal in [integer(&text, &POINT).err(), decimal(&text, 2, &POINT).err(), decimal(&text, 4, &COMMA).err()] {
                prop_assert!(refusal.is_none_or(|sentence| sentence.starts_with("must ")));
            }
        }
    }
}
