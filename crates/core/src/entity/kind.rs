//! Kinds of columns: parsing of a cell's text, and the rules for its value. Both come from the declaration. The rules
//! use functions of `validator` where it has them; the parsing is in [`crate::value`].

use std::borrow::Cow;

use regex::Regex;
use rust_decimal::Decimal;
use validator::{ValidateEmail, ValidateLength, ValidateRegex};

use super::Value;
use crate::value::{self, ReadSettings};

/// Longest e-mail address that can exist: 64 characters, `@`, 255 characters (RFC 5321).
const LONGEST_EMAIL: u64 = 320;

/// All kinds, by the names used in declarations and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnKind {
    /// Any text.
    Text,
    /// An e-mail address.
    Email,
    /// A web address.
    Url,
    /// A whole number.
    Integer,
    /// A decimal number, kept exactly.
    Decimal,
    /// True or false.
    Boolean,
    /// A date.
    Date,
    /// A point in time, with microseconds.
    Instant,
    /// One of the values listed in the rule.
    Choice,
    /// An ISO 4217 code.
    Currency,
    /// An ISO 3166 code.
    Country,
    /// A UUID.
    Uuid,
}

impl ColumnKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Email,
        Self::Url,
        Self::Integer,
        Self::Decimal,
        Self::Boolean,
        Self::Date,
        Self::Instant,
        Self::Choice,
        Self::Currency,
        Self::Country,
        Self::Uuid,
    ];

    /// The name in declarations and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Email => "email",
            Self::Url => "url",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Choice => "choice",
            Self::Currency => "currency",
            Self::Country => "country",
            Self::Uuid => "uuid",
        }
    }

    /// The kind called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Lower and upper bound of a value; each may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds<T> {
    /// Least value.
    pub min: Option<T>,
    /// Greatest value.
    pub max: Option<T>,
}

impl<T> Bounds<T> {
    /// No bounds.
    pub const OPEN: Self = Self { min: None, max: None };
}

/// A kind with its rules.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Any text.
    Text {
        /// Remove white space and invisible characters at both ends.
        trim: bool,
        /// Convert to lower case.
        lower: bool,
        /// Number of characters.
        length: Bounds<u64>,
        /// Pattern for the whole value.
        pattern: Option<Regex>,
    },
    /// An e-mail address, in lower case.
    Email,
    /// A web address.
    Url,
    /// A whole number.
    Integer {
        /// Bounds.
        range: Bounds<i64>,
    },
    /// A decimal number.
    Decimal {
        /// Digits after the decimal point.
        scale: u32,
        /// Bounds.
        range: Bounds<Decimal>,
    },
    /// True or false.
    Boolean,
    /// A date.
    Date,
    /// A point in time.
    Instant,
    /// One of several values.
    Choice {
        /// The values.
        choices: Vec<String>,
    },
    /// A currency code.
    Currency,
    /// A country code.
    Country,
    /// A UUID.
    Uuid,
}

impl Kind {
    /// The kind without its rules.
    #[must_use]
    pub fn name(&self) -> ColumnKind {
        match self {
            Self::Text { .. } => ColumnKind::Text,
            Self::Email => ColumnKind::Email,
            Self::Url => ColumnKind::Url,
            Self::Integer { .. } => ColumnKind::Integer,
            Self::Decimal { .. } => ColumnKind::Decimal,
            Self::Boolean => ColumnKind::Boolean,
            Self::Date => ColumnKind::Date,
            Self::Instant => ColumnKind::Instant,
            Self::Choice { .. } => ColumnKind::Choice,
            Self::Currency => ColumnKind::Currency,
            Self::Country => ColumnKind::Country,
            Self::Uuid => ColumnKind::Uuid,
        }
    }

    /// PostgreSQL type of the values in a statement's arrays. Whole numbers are sent as 64 bits; a narrower column
    /// refuses a value that does not fit.
    #[must_use]
    pub fn sql_type(&self) -> &'static str {
        match self {
            Self::Integer { .. } => "int8",
            Self::Decimal { .. } => "numeric",
            Self::Boolean => "bool",
            Self::Date => "date",
            Self::Instant => "timestamptz",
            Self::Uuid => "uuid",
            Self::Text { .. }
            | Self::Email
            | Self::Url
            | Self::Choice { .. }
            | Self::Currency
            | Self::Country => "text",
        }
    }

    /// Parses a cell's text and checks it against the rules; `None` for an empty cell.
    ///
    /// # Errors
    /// A sentence to be read after the column's name, without the value.
    pub fn read(&self, cell: &str, settings: &ReadSettings) -> Result<Option<Value>, String> {
        if cell.as_bytes().contains(&0) {
            // PostgreSQL cannot store U+0000 in text. Refused here, so that the message names the column.
            return Err("must not contain a NUL character".to_owned());
        }
        let text = self.cleaned(cell);
        if text.is_empty() {
            return Ok(None);
        }
        value::whole(&text)?;
        let value = self.parse_text(&text, settings)?;
        self.check(&value)?;
        Ok(Some(value))
    }

    /// Parses a cell's text without checking it against the rules, for a cell that [`Self::read`] has accepted.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(&self, cell: &str, settings: &ReadSettings) -> Result<Option<Value>, String> {
        let text = self.cleaned(cell);
        if text.is_empty() { Ok(None) } else { self.parse_text(&text, settings).map(Some) }
    }

    fn cleaned<'a>(&self, cell: &'a str) -> Cow<'a, str> {
        if let Self::Text { trim: false, .. } = self { Cow::Borrowed(cell) } else { value::clean(cell) }
    }

    fn parse_text(&self, text: &str, settings: &ReadSettings) -> Result<Value, String> {
        Ok(match self {
            Self::Text { lower: true, .. } => Value::Text(text.to_lowercase()),
            Self::Text { lower: false, .. } => Value::Text(text.to_owned()),
            Self::Email => Value::Text(value::email(text)?),
            Self::Url => Value::Text(value::url(text)?),
            Self::Integer { .. } => Value::Integer(value::integer(text, settings)?),
            Self::Decimal { scale, .. } => Value::Decimal(value::decimal(text, *scale, settings)?),
            Self::Boolean => Value::Boolean(value::boolean(text)?),
            Self::Date => Value::Date(value::date(text)?),
            Self::Instant => Value::Instant(value::instant(text, settings)?),
            Self::Choice { choices } => Value::Text(value::choice(text, choices)?.to_owned()),
            Self::Currency => Value::Text(value::currency(text)?),
            Self::Country => Value::Text(value::country(text)?),
            Self::Uuid => Value::Uuid(value::uuid(text)?),
        })
    }

    /// Checks a parsed value against the rules.
    fn check(&self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Text { length, pattern, .. }, Value::Text(text)) => {
                check_length(text, length)?;
                check_pattern(text, pattern.as_ref())
            }
            (Self::Email, Value::Text(address)) => check_email(address),
            (Self::Integer { range }, Value::Integer(number)) => check_range(number, range),
            (Self::Decimal { range, .. }, Value::Decimal(number)) => check_range(number, range),
            _ => Ok(()),
        }
    }

    /// The rules as a sentence.
    #[must_use]
    pub fn rule(&self) -> String {
        match self {
            Self::Text { trim, lower, length, pattern } => text_rule(*trim, *lower, length, pattern.as_ref()),
            Self::Email => "a valid e-mail address, trimmed and lower-cased".to_owned(),
            Self::Url => "a web address that begins with http:// or https://".to_owned(),
            Self::Integer { range: Bounds { min: None, max: None } } => "a whole number".to_owned(),
            Self::Integer { range } => format!("a whole number, {}", within(range)),
            Self::Decimal { scale, range } => {
                let digits = format!("with at most 15 digits before the point and {scale} after it");
                match range {
                    Bounds { min: None, max: None } => format!("a decimal number {digits}"),
                    range => format!("{}, {digits}", within(range)),
                }
            }
            Self::Boolean => "true or false".to_owned(),
            Self::Date => "a day as year, month and day: 2026-01-31".to_owned(),
            Self::Instant => "an RFC 3339 instant with its offset, down to microseconds".to_owned(),
            Self::Choice { choices } => one_of(choices),
            Self::Currency => "an ISO 4217 code".to_owned(),
            Self::Country => "an ISO 3166 code of two letters".to_owned(),
            Self::Uuid => "a UUID".to_owned(),
        }
    }

    /// A valid value, if the kind alone determines one.
    #[must_use]
    pub(super) fn example(&self) -> Option<String> {
        let example = match self {
            Self::Text { length, pattern: None, .. } => text_example(length),
            Self::Text { .. } => return None,
            Self::Email => "ada@example.com".to_owned(),
            Self::Url => "https://example.com".to_owned(),
            Self::Integer { range } => range.min.or(range.max.map(|max| max.min(1))).unwrap_or(1).to_string(),
            Self::Decimal { range, .. } => {
                let one = Decimal::ONE;
                range.min.or(range.max.map(|max| max.min(one))).unwrap_or(one).to_string()
            }
            Self::Boolean => "true".to_owned(),
            Self::Date => "2026-01-31".to_owned(),
            Self::Instant => "2026-01-31T12:00:00Z".to_owned(),
            Self::Choice { choices } => choices.first()?.clone(),
            Self::Currency => "EUR".to_owned(),
            Self::Country => "DE".to_owned(),
            Self::Uuid => "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11".to_owned(),
        };
        Some(example)
    }
}

fn check_email(address: &str) -> Result<(), String> {
    if !address.validate_email() {
        return Err("must be a valid e-mail address".to_owned());
    }
    check_length(address, &Bounds { min: None, max: Some(LONGEST_EMAIL) })
}

fn check_length(text: &str, length: &Bounds<u64>) -> Result<(), String> {
    if text.validate_length(length.min, length.max, None) {
        return Ok(());
    }
    Err(match (length.min, length.max) {
        (Some(min), Some(max)) if min == max => format!("must have {min} characters"),
        (Some(min), Some(max)) => format!("must have {min} to {max} characters"),
        (Some(min), None) => format!("must have at least {min} characters"),
        (None, max) => format!("must have at most {} characters", max.unwrap_or_default()),
    })
}

fn check_pattern(text: &str, pattern: Option<&Regex>) -> Result<(), String> {
    match pattern {
        Some(pattern) if !text.validate_regex(pattern) => {
            Err(format!("must match the pattern {}", plain(pattern)))
        }
        _ => Ok(()),
    }
}

/// `validator`'s range does not support decimals.
fn check_range<T: Copy + PartialOrd + ToString>(number: &T, range: &Bounds<T>) -> Result<(), String> {
    let is_within = range.min.is_none_or(|min| *number >= min) && range.max.is_none_or(|max| *number <= max);
    if is_within {
        return Ok(());
    }
    Err(match (range.min, range.max) {
        (Some(min), Some(max)) => format!("must be between {} and {}", min.to_string(), max.to_string()),
        (Some(min), None) => format!("must be {} or more", min.to_string()),
        (None, max) => format!("must be {} or less", max.map(|max| max.to_string()).unwrap_or_default()),
    })
}

/// The pattern as written in the declaration, without the anchors that `parse` adds.
fn plain(pattern: &Regex) -> &str {
    let anchored = pattern.as_str();
    anchored.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(anchored)
}

fn text_rule(trim: bool, lower: bool, length: &Bounds<u64>, pattern: Option<&Regex>) -> String {
    let characters = match (length.min, length.max) {
        (Some(min), Some(max)) if min == max => format!("{min} characters"),
        (Some(min), Some(max)) => format!("{min} to {max} characters"),
        (Some(min), None) => format!("{min} characters or more"),
        (None, Some(max)) => format!("at most {max} characters"),
        (None, None) => "text".to_owned(),
    };
    let mut parts = vec![characters];
    if !trim {
        parts.push("white space included".to_owned());
    }
    if lower {
        parts.push("lower-cased".to_owned());
    }
    if let Some(pattern) = pattern {
        parts.push(format!("matching the pattern {}", plain(pattern)));
    }
    parts.join(", ")
}

fn within<T: ToString>(range: &Bounds<T>) -> String {
    match (&range.min, &range.max) {
        (Some(min), Some(max)) => format!("between {} and {}", min.to_string(), max.to_string()),
        (Some(min), None) => format!("{} or more", min.to_string()),
        (None, Some(max)) => format!("{} or less", max.to_string()),
        (None, None) => String::new(),
    }
}

/// `a, b or c`.
fn one_of(choices: &[String]) -> String {
    match choices {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn text_example(length: &Bounds<u64>) -> String {
    let bound = |length: u64| usize::try_from(length).unwrap_or(usize::MAX);
    let (min, max) = (length.min.map_or(0, bound), length.max.map_or(usize::MAX, bound));
    let count = "Example".len().clamp(min, max.max(min));
    "Example".chars().cycle().take(count.min(1000)).collect()
}
