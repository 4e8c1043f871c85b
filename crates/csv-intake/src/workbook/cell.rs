//! The displayed text of a cell, as far as it does not depend on the user's locale.

use std::borrow::Cow;

use calamine::{DataRef, ExcelDateTime, Style};
use chrono::{NaiveDateTime, NaiveTime};

/// Digits of a number that a spreadsheet displays and keeps.
const SHOWN_DIGITS: usize = 15;
/// Whole numbers below this are exact in the file.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;
/// Longest format of only zeros that is treated as one with leading zeros.
const MAX_ZEROS: usize = 32;

/// Converts cells to text by the workbook's formats.
pub(super) struct CellText {
    /// By style, the number of digits to which whole numbers are padded, as in postal codes.
    zeros: Vec<usize>,
}

impl CellText {
    pub(super) fn new(styles: &[Style]) -> Self {
        let zeros = styles.iter().map(|style| {
            let format = style.number_format.as_ref().map_or("", |format| format.format_code.as_str());
            let is_zeros = format.len() <= MAX_ZEROS && format.bytes().all(|byte| byte == b'0');
            if is_zeros { format.len() } else { 0 }
        });
        Self { zeros: zeros.collect() }
    }

    /// The text of a cell with the given style.
    pub(super) fn text<'a>(&self, cell: &'a DataRef<'_>, style: usize) -> Cow<'a, str> {
        match cell {
            DataRef::Empty => Cow::Borrowed(""),
            DataRef::String(text) => Cow::Borrowed(text),
            DataRef::SharedString(text) => Cow::Borrowed(text),
            DataRef::Bool(true) => Cow::Borrowed("TRUE"),
            DataRef::Bool(false) => Cow::Borrowed("FALSE"),
            DataRef::Int(number) => Cow::Owned(self.filled(number.to_string(), style)),
            DataRef::Float(number) => Cow::Owned(self.filled(number_text(*number), style)),
            DataRef::DateTime(serial) => Cow::Owned(date_text(serial)),
            DataRef::DateTimeIso(text) => Cow::Borrowed(text.strip_suffix("T00:00:00").unwrap_or(text)),
            DataRef::DurationIso(text) => Cow::Borrowed(text),
            DataRef::Error(error) => Cow::Owned(error.to_string()),
        }
    }

    fn filled(&self, number: String, style: usize) -> String {
        let digits = self.zeros.get(style).copied().unwrap_or_default();
        let is_whole = number.bytes().all(|byte| byte.is_ascii_digit());
        if is_whole { format!("{number:0>digits$}") } else { number }
    }
}

/// A number without exponent and without rounding errors of binary fractions: 0.3, not 0.30000000000000004.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < EXACT_BELOW {
        // Adding 0.0 also turns -0 into 0.
        return format!("{}", number + 0.0);
    }
    let shown = format!("{number:.*e}", SHOWN_DIGITS - 1);
    format!("{}", shown.parse().unwrap_or(number))
}

/// A date, a date with time, a time, or a duration, depending on the number.
fn date_text(serial: &ExcelDateTime) -> String {
    if serial.is_duration() {
        return duration_text(serial.as_f64());
    }
    let Some(moment) = serial.as_datetime().filter(|_| serial.as_f64() >= 0.0) else {
        return number_text(serial.as_f64());
    };
    match () {
        () if serial.as_f64() < 1.0 => moment.format("%H:%M:%S%.f").to_string(),
        () if is_midnight(&moment) => moment.format("%Y-%m-%d").to_string(),
        () => moment.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
    }
}

fn is_midnight(moment: &NaiveDateTime) -> bool {
    moment.time() == NaiveTime::MIN
}

fn duration_text(days: f64) -> String {
    let seconds = (days * 86_400.0).round();
    let (sign, seconds) = if seconds < 0.0 { ("-", -seconds) } else { ("", seconds) };
    // Saturates; no sheet contains such a long time.
    let seconds = seconds as u64;
    format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_a_person_sees_them() {
        for (number, text) in [
            (1234.0, "1234"),
            (-5.0, "-5"),
            (-0.0, "0"),
            (5_901_234_123_457.0, "5901234123457"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (1e20, "100000000000000000000"),
            (0.1 + 0.2, "0.3"),
            (12.5, "12.5"),
            (1e-7, "0.0000001"),
            (1_234_567.891, "1234567.891"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn lengths_of_time_have_hours_minutes_and_seconds() {
        assert_eq!(duration_text(1.5), "36:00:00");
        assert_eq!(duration_text(-0.25), "-6:00:00");
    }
}
