//! Dates and instants. The year comes first, since `01/05/2025` is the fifth of January in some countries and the first
//! of May in others.

use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc,
};
use chrono_tz::Tz;

use super::ReadSettings;

/// Fractional digits of a second that PostgreSQL stores.
const MAX_SECOND_DIGITS: usize = 6;

const DATE: &str = "must be a date such as 2025-05-01";
const INSTANT: &str = "must be a date and time such as 2025-05-01 10:00 +02:00";
const DAY_OR_MONTH: &str = "with the year first: day and month could be confused otherwise";
const NO_OFFSET: &str = "must say its offset, as 2025-05-01 10:00 +02:00 does; or send `timezone`, such as Europe/Berlin, for \
                         all dates and times without one";

/// A date, with the year first. A midnight after it, as spreadsheets write it, is ignored.
///
/// # Errors
/// Any other text.
pub fn date(text: &str) -> Result<NaiveDate, String> {
    let (date, rest) = split_date(text).map_err(|problem| problem.told(DATE))?;
    let is_midnight = |rest: &str| matches!(time(rest), Ok((time, "")) if time == NaiveTime::MIN);
    if rest.is_empty() || after_date(rest).is_some_and(is_midnight) {
        return Ok(date);
    }
    Err(format!("{DATE}, without a time"))
}

/// An instant: date, time, and offset from UTC. If the uploader chose a zone, the offset may be missing, or both time
/// and offset.
///
/// # Errors
/// If the text is not an instant, or is ambiguous.
pub fn instant(text: &str, settings: &ReadSettings) -> Result<DateTime<Utc>, String> {
    let (date, rest) = split_date(text).map_err(|problem| problem.told(INSTANT))?;
    let (time, rest) = match after_date(rest) {
        _ if rest.is_empty() => (NaiveTime::MIN, None),
        Some(rest) => time(rest).map(|(time, rest)| (time, Some(rest)))?,
        None => return Err(INSTANT.to_owned()),
    };
    let local = date.and_time(time);
    let offset = match rest.map(str::trim_start) {
        Some(rest) if !rest.is_empty() => Some(offset(rest).ok_or_else(|| INSTANT.to_owned())?),
        _ => None,
    };
    let instant = match (offset, settings.timezone) {
        (Some(offset), _) => local.checked_sub_offset(offset).map(|utc| utc.and_utc()),
        (None, Some(zone)) => Some(in_zone(local, zone)?),
        (None, None) => return Err(NO_OFFSET.to_owned()),
    };
    // Near the first and last year the offset can lead out of the range.
    instant.filter(|instant| (1..=9999).contains(&instant.year())).ok_or_else(|| Problem::Year.told(INSTANT))
}

/// Reason why a text does not start with a date.
enum Problem {
    /// Not a date.
    NoDate,
    /// Day or month come first.
    Order,
    /// The day does not exist in the calendar.
    NoSuchDay,
    /// Year 0.
    Year,
}

impl Problem {
    fn told(&self, wanted: &str) -> String {
        match self {
            Self::NoDate => wanted.to_owned(),
            Self::Order => format!("{wanted}, {DAY_OR_MONTH}"),
            Self::NoSuchDay => "is a day that no calendar has".to_owned(),
            Self::Year => "must be in the years 0001 to 9999".to_owned(),
        }
    }
}

/// Splits off the date at the start: year, month and day with one of `-`, `/` and `.` between them.
fn split_date(text: &str) -> Result<(NaiveDate, &str), Problem> {
    let (year, rest) = digits(text);
    let separator =
        rest.chars().next().filter(|char| matches!(char, '-' | '/' | '.')).ok_or(Problem::NoDate)?;
    let (month, rest) = rest.strip_prefix(separator).map(digits).unwrap_or_default();
    let (day, rest) = rest.strip_prefix(separator).map(digits).unwrap_or_default();
    if [1, 2].contains(&year.len()) && !month.is_empty() && !day.is_empty() {
        return Err(Problem::Order);
    }
    if year.len() != 4 || ![1, 2].contains(&month.len()) || ![1, 2].contains(&day.len()) {
        return Err(Problem::NoDate);
    }
    let number = |digits: &str| digits.parse::<u32>().unwrap_or_default();
    let year = i32::try_from(number(year)).unwrap_or_default();
    if year == 0 {
        return Err(Problem::Year);
    }
    let date = NaiveDate::from_ymd_opt(year, number(month), number(day)).ok_or(Problem::NoSuchDay)?;
    Ok((date, rest))
}

/// The text after the `T` or space that follows a date.
fn after_date(rest: &str) -> Option<&str> {
    let after_t = rest.strip_prefix(['T', 't']);
    after_t.or_else(|| rest.strip_prefix(char::is_whitespace).map(str::trim_start))
}

/// Splits off the time at the start. Seconds may be missing.
fn time(text: &str) -> Result<(NaiveTime, &str), String> {
    let wanted = || INSTANT.to_owned();
    let (hour, rest) = digits(text);
    if ![1, 2].contains(&hour.len()) {
        return Err(wanted());
    }
    let hour = hour.parse::<u32>().map_err(|_| wanted())?;
    let (minute, rest) = two_digits(rest).ok_or_else(wanted)?;
    let (second, rest) = if rest.starts_with(':') { two_digits(rest).ok_or_else(wanted)? } else { (0, rest) };
    let (fraction, rest) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => digits(rest),
        None => ("0", rest),
    };
    if fraction.is_empty() {
        return Err(wanted());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > MAX_SECOND_DIGITS {
        return Err(format!("must have at most {MAX_SECOND_DIGITS} digits of a second"));
    }
    if second == 60 {
        return Err("must not be a leap second, which the database cannot store".to_owned());
    }
    let (hour, rest) = half_day(hour, rest).ok_or_else(wanted)?;
    let micros = format!("{fraction:0<MAX_SECOND_DIGITS$}").parse::<u32>().unwrap_or_default();
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros);
    time.map(|time| (time, rest)).ok_or_else(|| "is a time that no clock shows".to_owned())
}

/// Splits off two digits after a colon.
fn two_digits(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = digits(text.strip_prefix(':')?);
    (digits.len() == 2).then_some((digits.parse().ok()?, rest))
}

/// The hour of the day if `AM` or `PM` follows the time, and the rest of the text.
fn half_day(hour: u32, rest: &str) -> Option<(u32, &str)> {
    let word = rest.trim_start();
    let Some((half, after)) = word.split_at_checked(2) else { return Some((hour, rest)) };
    let is_afternoon = match half {
        _ if half.eq_ignore_ascii_case("am") => false,
        _ if half.eq_ignore_ascii_case("pm") => true,
        _ => return Some((hour, rest)),
    };
    let hour = (1..=12).contains(&hour).then_some(hour % 12)?;
    Some((hour + if is_afternoon { 12 } else { 0 }, after))
}

/// An offset: `Z`, `UTC`, `GMT`, or hours and optional minutes east of UTC, with or without a colon.
fn offset(text: &str) -> Option<FixedOffset> {
    if ["z", "utc", "gmt"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return FixedOffset::east_opt(0);
    }
    let (is_west, rest) = match text.strip_prefix('+') {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix(['-', '\u{2212}'])?),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at_checked(2)?,
        None => (rest, "00"),
    };
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<i32>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    // The largest offset in use is +14:00.
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    FixedOffset::east_opt(if is_west { -seconds } else { seconds })
}

/// Converts a local time of a zone, if it occurred exactly once.
fn in_zone(local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, String> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) => Ok(instant.to_utc()),
        LocalResult::None => Err(format!(
            "is a time that the clocks of {zone} skipped: write its offset, as in 2025-05-01 10:00 +02:00"
        )),
        LocalResult::Ambiguous(..) => Err(format!(
            "is a time that the clocks of {zone} showed twice: write its offset, as in 2025-05-01 10:00 +02:00"
        )),
    }
}

/// Splits off the ASCII digits at the start.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::DecimalMark;

    fn zone(name: &str) -> ReadSettings {
        ReadSettings { timezone: Some(name.parse().unwrap()), decimal: DecimalMark::Point }
    }

    fn plain(text: &str) -> Result<String, String> {
        instant(text, &ReadSettings::default()).map(|instant| instant.to_rfc3339())
    }

    fn berlin(text: &str) -> Result<String, String> {
        instant(text, &zone("Europe/Berlin")).map(|instant| instant.to_rfc3339())
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
            ("2025-05-01 10:00 +0200", "2025-05-01T08:00:00+00:00"),
            ("2025-05-01 10:00:00 +0200", "2025-05-01T08:00:00+00:00"),
            ("2025-05-01T10:00Z", "2025-05-01T10:00:00+00:00"),
            ("2025-05-01 10:00:00Z", "2025-05-01T10:00:00+00:00"),
            ("2025-05-01 10:00:00,5 UTC", "2025-05-01T10:00:00.500+00:00"),
            ("2025-05-01 10:00:00+02", "2025-05-01T08:00:00+00:00"),
            ("2025-05-01 10:00:00 \u{2212}02:00", "2025-05-01T12:00:00+00:00"),
            ("2025/5/1 9:30 GMT", "2025-05-01T09:30:00+00:00"),
            ("2025-05-01 12:00 AM Z", "2025-05-01T00:00:00+00:00"),
            ("2025-05-01 1:05 pm +02:00", "2025-05-01T11:05:00+00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
        ] {
            assert_eq!(plain(text).as_deref(), Ok(utc), "{text}");
            assert_eq!(berlin(text).as_deref(), Ok(utc), "{text}: an offset says more than the zone");
        }
    }

    #[test]
    fn a_zone_gives_local_times_and_dates_their_meaning() {
        for (text, utc) in [
            ("2025-05-01 10:00:00", "2025-05-01T08:00:00+00:00"),
            ("2025-05-01T10:00", "2025-05-01T08:00:00+00:00"),
            ("2025-05-01", "2025-04-30T22:00:00+00:00"),
            ("2025-01-15", "2025-01-14T23:00:00+00:00"),
        ] {
            assert_eq!(berlin(text).as_deref(), Ok(utc), "{text}");
            assert_eq!(plain(text).unwrap_err(), NO_OFFSET, "{text}");
        }
        let skipped = berlin("2025-03-30 02:30").unwrap_err();
        assert!(skipped.starts_with("is a time that the clocks of Europe/Berlin skipped"), "{skipped}");
        let twice = berlin("2025-10-26 02:30").unwrap_err();
        assert!(twice.starts_with("is a time that the clocks of Europe/Berlin showed twice"), "{twice}");
        assert!(berlin("2025-10-26 02:30 +01:00").is_ok());
    }

    #[test]
    fn text_that_is_no_instant_is_refused() {
        for text in [
            "",
            "now",
            "1769860800",
            "20260131T120000Z",
            "2026-01-31T12Z",
            "2026-01-31 12:00 Berlin",
            "2026-01-31x",
            "26-1",
            "2026-01",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T1:2:3Z",
            "2026-01-31 12:00 +2",
            "2026-01-31 12:00 +25:00",
            "2026-01-31 13:00 PM Z",
            "2026-01/31",
            "٢٠٢٥-05-01 10:00Z",
            "12026-01-31T12:00:00Z",
            "2026-01-31T12:00:00Zé",
        ] {
            assert_eq!(plain(text).unwrap_err(), INSTANT, "{text}");
        }
        for text in ["01/05/2025", "1.5.2025 10:00", "31.01.2026 12:00", "1-5-25"] {
            assert_eq!(berlin(text).unwrap_err(), format!("{INSTANT}, {DAY_OR_MONTH}"), "{text}");
        }
        for text in ["2026-02-30T12:00:00Z", "2025-13-01", "2025-00-10 10:00Z"] {
            assert_eq!(plain(text).unwrap_err(), "is a day that no calendar has", "{text}");
        }
        for text in ["2026-01-31T24:00:00Z", "2026-01-31T12:60Z", "2026-01-31T12:00:61Z"] {
            assert_eq!(plain(text).unwrap_err(), "is a time that no clock shows", "{text}");
        }
        for text in ["2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.0000000000001+01:00"] {
            assert_eq!(plain(text).unwrap_err(), "must have at most 6 digits of a second", "{text}");
        }
        assert!(plain("2016-12-31T23:59:60Z").unwrap_err().contains("leap second"));
        for text in ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"] {
            assert_eq!(plain(text).unwrap_err(), "must be in the years 0001 to 9999", "{text}");
        }
    }

    #[test]
    fn dates_have_the_year_first() {
        let day = NaiveDate::from_ymd_opt(2025, 5, 1).unwrap();
        for text in ["2025-05-01", "2025/05/01", "2025.5.1", "2025-05-01 00:00:00", "2025-05-01T00:00:00.000"]
        {
            assert_eq!(date(text), Ok(day), "{text}");
        }
        for text in ["01/05/2025", "1.5.2025", "5-1-25"] {
            assert_eq!(date(text).unwrap_err(), format!("{DATE}, {DAY_OR_MONTH}"), "{text}");
        }
        for text in ["", "today", "45778", "2025-05", "1 May 2025", "25-05"] {
            assert_eq!(date(text).unwrap_err(), DATE, "{text}");
        }
        for text in ["2025-05-01 10:00", "2025-05-01T00:00:00Z", "2025-05-01x"] {
            assert_eq!(date(text).unwrap_err(), format!("{DATE}, without a time"), "{text}");
        }
        assert_eq!(date("2025-02-29").unwrap_err(), "is a day that no calendar has");
        assert_eq!(date("0000-01-01").unwrap_err(), "must be in the years 0001 to 9999");
    }

    proptest! {
        #[test]
        fn every_instant_reads_back(seconds in -62_135_596_800_i64..253_402_300_799, micros in 0_u32..1_000_000) {
            let instant_ = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
            prop_assert_eq!(instant(&instant_.to_rfc3339(), &ReadSettings::default()), Ok(instant_));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9:/. TZ+apm]{0,30}|.*", name in "Europe/Berlin|America/Sao_Paulo|UTC") {
            let _ = (date(&text), plain(&text), instant(&text, &zone(&name)));
        }
    }
}
