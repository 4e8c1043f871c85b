//! Rules beyond those of the kinds. Each is a Rust function, referenced by name in a declaration (`check = "…"`).

use super::Value;

/// A rule. The error is a sentence to be read after the column's name.
pub(crate) type Check = fn(&Value) -> Result<(), String>;

/// Every rule by name.
pub(crate) const CHECKS: [(&str, Check); 2] = [("gtin", gtin), ("iban", iban)];

/// The rule called `name`, if there is one.
#[must_use]
pub(crate) fn find(name: &str) -> Option<Check> {
    CHECKS.into_iter().find(|(known, _)| *known == name).map(|(_, check)| check)
}

/// A GTIN (EAN, UPC): 8, 12, 13 or 14 digits, the last of which is a check digit.
fn gtin(value: &Value) -> Result<(), String> {
    let text = text_of(value);
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(10)).collect();
    let weighted = |digits: &[u32]| -> u32 {
        digits.iter().rev().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum()
    };
    // A number has lost a GTIN's leading zeros, which do not affect the check digit.
    let is_number = matches!(value, Value::Integer(_));
    match digits {
        Some(digits)
            if (matches!(digits.len(), 8 | 12 | 13 | 14)
                || is_number && (8..=14).contains(&digits.len()))
                && weighted(&digits) % 10 == 0 =>
        {
            Ok(())
        }
        _ => Err("must be a GTIN (EAN or UPC): 8, 12, 13 or 14 digits with the right check digit".to_owned()),
    }
}

/// An IBAN: country, two check digits and account; rearranged, they leave the remainder 1 (ISO 13616).
fn iban(value: &Value) -> Result<(), String> {
    let wrong = || "must be an IBAN with the right check digits, without spaces".to_owned();
    let text = text_of(value);
    let is_shaped = (15..=34).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase());
    let (head, account) = text.split_at_checked(4).ok_or_else(wrong)?;
    let mut remainder = 0;
    for character in account.chars().chain(head.chars()) {
        let digit = character.to_digit(36).ok_or_else(wrong)?;
        remainder = (remainder * if digit > 9 { 100 } else { 10 } + digit) % 97;
    }
    if is_shaped && remainder == 1 { Ok(()) } else { Err(wrong()) }
}

/// Digits of a value declared as a number, so that the rule applies to it as well.
fn text_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(check: Check, text: &str) -> bool {
        check(&Value::Text(text.to_owned())).is_ok()
    }

    #[test]
    fn a_gtin_has_its_check_digit() {
        for good in ["4006381333931", "96385074", "036000291452", "10012345678902"] {
            assert!(passes(gtin, good), "{good}");
        }
        for bad in ["4006381333932", "400638133393", "", "ABC", "40063813339310000"] {
            assert!(!passes(gtin, bad), "{bad}");
        }
        assert!(gtin(&Value::Integer(4_006_381_333_931)).is_ok());
        assert!(gtin(&Value::Integer(36_000_291_452)).is_ok(), "036000291452");
        assert!(gtin(&Value::Integer(123)).is_err());
    }

    #[test]
    fn an_iban_has_its_check_digits() {
        for good in ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606"] {
            assert!(passes(iban, good), "{good}");
        }
        for bad in
            ["DE89370400440532013001", "DE89 3704 0044 0532 0130 00", "de89370400440532013000", "DE", "é"]
        {
            assert!(!passes(iban, bad), "{bad}");
        }
    }
}
