//! Parsers of the form's fields. Each error is a sentence to be read after the field's name.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bulk_core::action::{ActionType, EmptyCells, OnConflict};
use bulk_core::entity::{Entities, Entity};
use bulk_core::value::DecimalMark;
use chrono::{DateTime, Datelike as _, Utc};
use csv_intake::header::{Mapping, UnknownColumns};
use csv_intake::{Delimiter, HeaderLine, ShortRows, TextEncoding};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Longest list of names in a message.
const MOST_NAMES: usize = 40;

/// Last year of RFC 3339; clients that follow it could not parse a later one.
const LAST_YEAR: i32 = 9999;

/// "must be one of …".
fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("must be one of {}", names.take(MOST_NAMES).collect::<Vec<_>>().join(", "))
}

/// The entity called `name`, if the account can have records of it.
pub(super) fn entity(entities: &Entities, account: &str, name: &str) -> Result<Arc<Entity>, String> {
    let entity = entities.find(name).ok_or_else(|| one_of(entities.names().into_iter()))?;
    entity.account_id(account)?;
    Ok(entity.clone())
}

pub(super) fn action_type(value: &str) -> Result<ActionType, String> {
    ActionType::parse(value).ok_or_else(|| one_of(ActionType::ALL.into_iter().map(ActionType::as_str)))
}

pub(super) fn on_conflict(value: &str) -> Result<OnConflict, String> {
    OnConflict::parse(value).ok_or_else(|| one_of(OnConflict::ALL.into_iter().map(OnConflict::as_str)))
}

pub(super) fn unknown_columns(value: &str) -> Result<UnknownColumns, String> {
    UnknownColumns::parse(value)
        .ok_or_else(|| one_of(UnknownColumns::ALL.into_iter().map(UnknownColumns::as_str)))
}

pub(super) fn empty_cells(value: &str) -> Result<EmptyCells, String> {
    EmptyCells::parse(value).ok_or_else(|| one_of(EmptyCells::ALL.into_iter().map(EmptyCells::as_str)))
}

pub(super) fn short_rows(value: &str) -> Result<ShortRows, String> {
    ShortRows::parse(value).ok_or_else(|| one_of(ShortRows::ALL.into_iter().map(ShortRows::as_str)))
}

pub(super) fn decimal(value: &str) -> Result<DecimalMark, String> {
    DecimalMark::parse(value).ok_or_else(|| one_of(["point", "comma"].into_iter()))
}

pub(super) fn encoding(value: &str) -> Result<TextEncoding, String> {
    TextEncoding::parse(value).ok_or_else(|| {
        "must be the label of an encoding, such as utf-8, windows-1252, iso-8859-2 or shift_jis".to_owned()
    })
}

/// A start time. `may_be_late` accepts one in the past.
pub(super) fn start_time(value: &str, may_be_late: bool) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(value)
        .map_err(|_| "must be an RFC 3339 instant such as 2026-01-31T12:00:00Z".to_owned())?;
    let instant = instant.to_utc();
    if instant.year() > LAST_YEAR {
        return Err(format!("must be no later than the year {LAST_YEAR}, in UTC"));
    }
    if may_be_late || instant > Utc::now() { Ok(instant) } else { Err("must be in the future".to_owned()) }
}

/// The delimiter, untrimmed: a tab is white space.
pub(super) fn delimiter(value: &str) -> Result<Delimiter, String> {
    let trimmed = value.trim_matches([' ', '\r', '\n']);
    Delimiter::parse(trimmed).ok_or_else(|| "must be one of , ; | or a tab (\\t)".to_owned())
}

pub(super) fn header_line(value: &str) -> Result<HeaderLine, String> {
    let line = value.parse().ok().and_then(HeaderLine::new);
    line.ok_or_else(|| {
        format!("must be the line on which the names of the columns stand, from 1 to {}", HeaderLine::MAX)
    })
}

/// Booleans in the notations of people and programs.
pub(super) fn boolean(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

pub(super) fn mapping(value: &str) -> Result<Mapping, String> {
    unique(
        value,
        "must be a JSON object, from CSV header (or position, such as \"#3\") to column, or to null to leave it out",
    )
}

/// Values may be JSON scalars: `{"stock": 0}`.
pub(super) fn defaults(value: &str) -> Result<BTreeMap<String, String>, String> {
    let wrong =
        "must be a JSON object, from column to the value of every row, such as {\"currency\":\"EUR\"}";
    let values: BTreeMap<String, Scalar> = unique(value, wrong)?;
    Ok(values.into_iter().map(|(name, value)| (name, value.into_text())).collect())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Boolean(bool),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Boolean(boolean) => boolean.to_string(),
        }
    }
}

/// A JSON object with unique keys: most parsers silently take the last of two values for one key.
fn unique<T: for<'de> Deserialize<'de>>(json: &str, wrong: &str) -> Result<BTreeMap<String, T>, String> {
    let pairs: Pairs<T> = serde_json::from_str(json).map_err(|_| wrong.to_owned())?;
    let mut unique = BTreeMap::new();
    for (key, value) in pairs.0 {
        if unique.contains_key(&key) {
            let shown: String = key.chars().take(64).collect();
            return Err(format!("names `{shown}` more than once: keep one entry"));
        }
        unique.insert(key, value);
    }
    Ok(unique)
}

/// The entries of a JSON object in order, including repeated keys.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
            type Value = Pairs<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_as_they_are_written() {
        for (value, expected) in [
            ("TRUE", true),
            ("1", true),
            ("Yes", true),
            ("on", true),
            ("False", false),
            ("0", false),
            ("OFF", false),
        ] {
            assert_eq!(boolean(value), Ok(expected), "{value}");
        }
        assert!(boolean("maybe").is_err());
    }

    #[test]
    fn a_key_that_is_named_twice_is_no_choice_of_ours() {
        assert_eq!(mapping(r#"{"a":"email","b":null}"#).unwrap()["b"], None);
        assert!(mapping(r#"{"a":"email","a":"name"}"#).unwrap_err().contains("`a` more than once"));
        assert!(mapping("[1]").is_err() && mapping(r#"{"a":1}"#).is_err());
        let defaults = defaults(r#"{"stock":0,"currency":"EUR","open":true}"#).unwrap();
        assert_eq!(defaults["stock"], "0");
        assert_eq!(defaults["open"], "true");
    }

    #[test]
    fn a_header_stands_near_the_start() {
        assert_eq!(header_line("3").map(HeaderLine::get), Ok(3));
        for value in ["0", "101", "-1", "1.5", "first", "99999999999999999999999"] {
            assert!(header_line(value).unwrap_err().contains("from 1 to 100"), "{value}");
        }
    }

    #[test]
    fn a_tab_may_be_typed() {
        assert_eq!(delimiter("\t"), Ok(Delimiter::Tab));
        assert_eq!(delimiter("\\t"), Ok(Delimiter::Tab));
        assert_eq!(delimiter(";\n"), Ok(Delimiter::Semicolon));
        assert!(delimiter("::").is_err());
    }
}
