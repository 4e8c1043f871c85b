//! What the text of a cell means, exactly: a value is refused rather than rounded, and nothing passes through a float.
//! White space around the text has been taken away. Each error is a sentence to be read after the column's name.

use std::num::IntErrorKind;

use chrono::{DateTime, Utc};
use iso_currency::Currency;
use rust_decimal::Decimal;

/// Digits before the point of a decimal: `numeric(17, 2)` and `numeric(19, 4)` hold as many.
const MAX_WHOLE_DIGITS: usize = 15;
/// Digits of a second that PostgreSQL keeps.
const MAX_SECOND_DIGITS: usize = 6;

/// A whole number: ASCII digits, perhaps after a minus sign.
pub(super) fn integer(text: &str) -> Result<i32, String> {
    if !is_digits(text.strip_prefix('-').unwrap_or(text)) {
        return Err("must be a whole number".to_owned());
    }
    text.parse::<i32>().map_err(|error| match error.kind() {
        IntErrorKind::NegOverflow => format!("must be {} or more", i32::MIN),
        _ => format!("must be {} or less", i32::MAX),
    })
}

/// A decimal number: ASCII digits, perhaps after a minus sign, perhaps with a point and more digits. No exponent, no
/// plus sign, no grouping, since `1.000` and `1,000` mean different numbers in different countries. Zeros at the end
/// beyond `scale` change nothing and are allowed.
fn decimal(text: &str, scale: usize) -> Result<Decimal, String> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(
            "must be a decimal number such as 1234.5, without exponent or thousands separator".to_owned()
        );
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.len() > MAX_WHOLE_DIGITS {
        return Err(format!("must have at most {MAX_WHOLE_DIGITS} digits before the point"));
    }
    if fraction.len() > scale {
        return Err(format!("must have at most {scale} digits after the point"));
    }
    let mut value = Decimal::from_str_exact(&format!("0{whole}.{fraction}0"))
        .map_err(|_| "must be a decimal number".to_owned())?;
    value.set_sign_negative(is_negative && !value.is_zero());
    Ok(value)
}

/// A decimal number that is not negative.
pub(super) fn amount(text: &str, scale: usize) -> Result<Decimal, String> {
    let value = decimal(text, scale)?;
    if value.is_sign_negative() { Err("must be 0 or more".to_owned()) } else { Ok(value) }
}

/// An instant as RFC 3339 writes it, with its offset from UTC.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wanted = || "must be an RFC 3339 instant such as 2026-01-31T12:00:00Z".to_owned();
    let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| wanted())?.to_utc();
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let after_last = |rest: &str| rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let fraction = fraction[..after_last(fraction)].trim_end_matches('0');
    if fraction.len() > MAX_SECOND_DIGITS {
        return Err(format!("must have at most {MAX_SECOND_DIGITS} digits of a second"));
    }
    // How chrono says that the second is a 61st.
    if parsed.timestamp_subsec_nanos() >= 1_000_000_000 {
        return Err("must not be a leap second, which the database cannot store".to_owned());
    }
    Ok(parsed)
}

/// The code of a currency or fund of ISO 4217, also of one that was withdrawn lately: records may be of that time.
pub(super) fn currency(text: &str) -> Result<String, String> {
    let known = Currency::from_code(text).map(|currency| currency.code().to_owned());
    known.ok_or_else(|| "must be an ISO 4217 code in capitals, such as EUR".to_owned())
}

/// One of `choices`.
pub(super) fn choice(text: &str, choices: &[&'static str]) -> Result<&'static str, String> {
    let chosen = choices.iter().find(|choice| **choice == text);
    chosen.copied().ok_or_else(|| format!("must be one of {}", choices.join(", ")))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_ascii_digits_that_fit() {
        for (text, value) in [("0", 0), ("007", 7), ("-5", -5), ("2147483647", i32::MAX)] {
            assert_eq!(integer(text), Ok(value));
        }
        for text in ["", "-", "+5", "1.0", "1e3", "1,000", "٣", "５", "1 000", "0x10", "--1"] {
            assert_eq!(integer(text), Err("must be a whole number".to_owned()), "{text}");
        }
        assert_eq!(integer("2147483648").unwrap_err(), "must be 2147483647 or less");
        assert_eq!(integer("-2147483649").unwrap_err(), "must be -2147483648 or more");
    }

    #[test]
    fn decimals_are_taken_exactly() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("12", "12"),
            ("12.3", "12.3"),
            ("0.10", "0.1"),
            ("1.5000000000000000000000000000000000000", "1.5"),
            ("0000000000000000000000000000000000001.25", "1.25"),
            ("999999999999999.99", "999999999999999.99"),
            ("-1.5", "-1.5"),
        ] {
            assert_eq!(decimal(text, 2).unwrap().normalize().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_could_be_misread_or_rounded_is_no_decimal() {
        for text in [
            "", "-", ".", ".5", "5.", "+5", "1e3", "1,5", "1,000.00", "1.000,00", "1 000", "٣", "1.2.3",
            "NaN", "inf", "€5",
        ] {
            assert!(decimal(text, 2).unwrap_err().starts_with("must be a decimal number such as"), "{text}");
        }
        assert_eq!(decimal("0.001", 2).unwrap_err(), "must have at most 2 digits after the point");
        assert_eq!(decimal("0.12345", 4).unwrap_err(), "must have at most 4 digits after the point");
        let whole = decimal("1000000000000000", 2).unwrap_err();
        assert_eq!(whole, "must have at most 15 digits before the point");
    }

    #[test]
    fn an_amount_is_zero_or_more() {
        assert_eq!(amount("0", 2), Ok(Decimal::ZERO));
        assert_eq!(amount("-0.00", 2), Ok(Decimal::ZERO));
        assert_eq!(amount("-0.01", 2).unwrap_err(), "must be 0 or more");
    }

    proptest! {
        #[test]
        fn every_number_that_fits_reads_back(units in 0..10_i64.pow(17)) {
            let text = format!("{}.{:02}", units / 100, units % 100);
            prop_assert_eq!(decimal(&text, 2).unwrap(), Decimal::new(units, 2));
        }
    }

    #[test]
    fn instants_are_taken_exactly_in_utc() {
        for (text, utc) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00+00:00"),
            ("2026-01-31T12:00:00+05:30", "2026-01-31T06:30:00+00:00"),
            ("2026-01-31T12:00:00.123456-00:00", "2026-01-31T12:00:00.123456+00:00"),
            ("2026-01-31T12:00:00.123456000000Z", "2026-01-31T12:00:00.123456+00:00"),
            ("2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999+00:00"),
        ] {
            assert_eq!(instant(text).unwrap().to_rfc3339(), utc, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "now",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "31.01.2026 12:00",
            "2026-02-30T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00Z",
            "1769860800",
            "2026-01-31T12:00:00,5Z",
            "20260131T120000Z",
        ] {
            assert!(instant(text).unwrap_err().starts_with("must be an RFC 3339 instant"), "{text}");
        }
        let too_fine = ["2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.0000000000001+01:00"];
        for text in too_fine {
            assert_eq!(instant(text).unwrap_err(), "must have at most 6 digits of a second", "{text}");
        }
        assert!(instant("2016-12-31T23:59:60Z").unwrap_err().contains("leap second"));
    }

    #[test]
    fn currencies_are_those_of_iso_4217() {
        for code in ["EUR", "USD", "JPY", "KWD", "XCG", "ZWG", "BGN"] {
            assert_eq!(currency(code).as_deref(), Ok(code));
        }
        for code in ["", "eur", "Eur", "EURO", "EU", "ZZZ", "978", "€", "EUR "] {
            assert!(currency(code).is_err(), "{code}");
        }
    }

    #[test]
    fn a_choice_is_made_by_its_exact_name() {
        assert_eq!(choice("paid", &["pending", "paid"]), Ok("paid"));
        assert_eq!(choice("Paid", &["pending", "paid"]).unwrap_err(), "must be one of pending, paid");
    }
}
