//! Parses raw settings into types and collects the problems.
//!
//! Each getter records a problem and returns a placeholder value, so that one pass finds all problems.
//! [`Reader::finish`] returns no configuration that contains a placeholder.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::{ConfigError, Problem, Settings};

/// One pass over the settings.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    names_read: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, names_read: BTreeSet::new(), problems: Vec::new() }
    }

    /// The raw value. An empty or blank value counts as unset, because compose files and shells pass `NAME=` for
    /// variables that are not set.
    pub(super) fn raw(&mut self, name: &'static str) -> Option<&'a str> {
        self.names_read.insert(name);
        self.settings.get(name).filter(|value| !value.trim().is_empty())
    }

    /// The value without surrounding white space.
    pub(super) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        self.raw(name).map(str::trim)
    }

    /// A secret, unchanged; records a problem if it is unset.
    pub(super) fn required_secret(&mut self, name: &'static str, remedy: &str) -> SecretString {
        let value = self.raw(name);
        if value.is_none() {
            self.problem(name, "is not set", remedy);
        }
        SecretString::from(value.unwrap_or_default())
    }

    /// A text that must satisfy `is_valid`. An invalid value is shown in the problem, so this is not for secrets.
    pub(super) fn checked_text(
        &mut self,
        name: &'static str,
        default: &str,
        is_valid: impl FnOnce(&str) -> bool,
        remedy: &str,
    ) -> String {
        let value = self.text(name).unwrap_or(default);
        if !is_valid(value) {
            self.problem(name, format!("is {value:?}"), remedy);
        }
        value.to_owned()
    }

    pub(super) fn number<T>(&mut self, name: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(value) = self.text(name) else { return default };
        match value.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let remedy = format!("give a whole number from {} to {}", range.start(), range.end());
                self.problem(name, format!("is {value:?}"), remedy);
                default
            }
        }
    }

    pub(super) fn duration_ms(
        &mut self,
        name: &'static str,
        default_ms: u64,
        range_ms: RangeInclusive<u64>,
    ) -> Duration {
        Duration::from_millis(self.number(name, default_ms, range_ms))
    }

    /// An IP address; `None` if unset.
    pub(super) fn address(&mut self, name: &'static str) -> Option<IpAddr> {
        let value = self.text(name)?;
        let address = value.parse().ok();
        if address.is_none() {
            let remedy = "give an IP address, such as 127.0.0.1, or 0.0.0.0 for all";
            self.problem(name, format!("is {value:?}"), remedy);
        }
        address
    }

    /// Hours; `None` if unset.
    pub(super) fn optional_hours(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<Duration> {
        self.text(name)?;
        Some(Duration::from_secs(3600 * self.number(name, *range.start(), range)))
    }

    /// Days; `None` (for ever) if the variable is set but empty. Unlike other settings, an empty value differs from an
    /// unset one, because the default is not for ever.
    pub(super) fn days_or_never(&mut self, name: &'static str, default_days: u64) -> Option<Duration> {
        let is_given = self.settings.get(name).is_some();
        if self.text(name).is_none() && is_given {
            return None;
        }
        Some(Duration::from_secs(86_400 * self.number(name, default_days, 1..=36_500)))
    }

    /// A number; `None` if unset.
    pub(super) fn optional_number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.text(name)?;
        Some(self.number(name, *range.start(), range))
    }

    pub(super) fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.text(name) else { return default };
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.problem(name, format!("is {value:?}"), "give true or false (or 1, 0, yes, no, on, off)");
                default
            }
        }
    }

    pub(super) fn problem(
        &mut self,
        variable: &'static str,
        wrong: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem { variable, wrong: wrong.into(), remedy: remedy.into() });
    }

    /// Returns `config` if no problem was recorded.
    pub(super) fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: self.problems }) }
    }

    pub(super) fn names_read(self) -> Vec<&'static str> {
        self.names_read.into_iter().collect()
    }
}
