//! Parsing of a cell's text. A value is refused rather than rounded or guessed; every notation with a single meaning is
//! accepted.
//!
//! Each function parses one kind of value from text that [`clean()`] has cleaned. Its error is a sentence to be read
//! after the column's name, in words for people who keep their data in spreadsheets; it never repeats the value.

mod broken;
mod email;
mod key;
mod number;
mod place;
mod time;
mod word;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use broken::whole;
pub use csv_intake::clean::clean;
pub use email::email;
pub use key::key;
pub use number::{decimal, integer};
pub use place::{country, currency, url};
pub use time::{date, instant};
pub use word::{boolean, choice, uuid};

/// The uploader's choices for ambiguous values. Stored with the action, so that every reader of the file parses it
/// alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReadSettings {
    /// Zone of dates and times without an offset. chrono-tz, because instants use chrono here, and it reports the hours
    /// that a zone skips or repeats.
    pub timezone: Option<Tz>,
    /// Decimal mark.
    pub decimal: DecimalMark,
}

/// The character between the whole part and the fraction of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// `1234.5`
    #[default]
    Point,
    /// `1234,5`
    Comma,
}

impl DecimalMark {
    /// The mark called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "point" => Some(Self::Point),
            "comma" => Some(Self::Comma),
            _ => None,
        }
    }
}
