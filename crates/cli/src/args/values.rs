//! Parsers of option values.

use std::time::Duration;

use api_types::{ActionStatus, OnConflict, RowStatus};
use clap_complete::Shell;

/// The value called `text`; the error lists the valid names.
fn one_of<T: Copy>(text: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|value| name(*value) == text).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|value| name(*value)).collect();
        format!("it is one of {}", names.join(", "))
    })
}

pub(crate) fn action_status(text: &str) -> Result<ActionStatus, String> {
    one_of(text, ActionStatus::ALL, ActionStatus::as_str)
}

pub(crate) fn row_status(text: &str) -> Result<RowStatus, String> {
    one_of(text, RowStatus::ALL, RowStatus::as_str)
}

pub(crate) fn on_conflict(text: &str) -> Result<OnConflict, String> {
    one_of(text, OnConflict::ALL, OnConflict::as_str)
}

pub(crate) fn result_status(text: &str) -> Result<String, String> {
    one_of(text, &["success", "failed", "skipped", "unprocessed"], |name| name).map(str::to_owned)
}

pub(crate) fn shell(text: &str) -> Result<Shell, String> {
    let named = [
        ("bash", Shell::Bash),
        ("zsh", Shell::Zsh),
        ("fish", Shell::Fish),
        ("powershell", Shell::PowerShell),
    ];
    one_of(text, &named, |(name, _)| name).map(|(_, shell)| shell)
}

/// `90s`, `10m`, `2h`, or seconds without a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    let number = digits.parse::<u32>().ok().filter(|number| *number > 0 && seconds > 0);
    let number = number.ok_or("it is a time such as 90s, 10m or 2h")?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

/// `HEADER=COLUMN`; the header may hold `=` itself, a column never does.
pub(crate) fn map(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((header, column)) if !header.is_empty() && !column.is_empty() => {
            Ok((header.to_owned(), column.to_owned()))
        }
        _ => Err("it is HEADER=COLUMN, such as \"E-Mail=email\"".to_owned()),
    }
}

/// `COLUMN=VALUE`; the value may hold `=` itself.
pub(crate) fn default(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.is_empty() => Ok((column.to_owned(), value.to_owned())),
        _ => Err("it is COLUMN=VALUE, such as currency=EUR".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7200), ("5", 5)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "m", "0s", "-1s", "5d", "1.5h", "ä"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pairs_are_cut_at_the_right_place() {
        assert_eq!(map("a=b=email"), Ok(("a=b".into(), "email".into())));
        assert_eq!(default("note=a=b"), Ok(("note".into(), "a=b".into())));
        assert_eq!(default("note="), Ok(("note".into(), String::new())));
        for bad in ["email", "=email", "E-Mail="] {
            assert!(map(bad).is_err(), "{bad}");
        }
    }
}
