//! How a file is written: what a caller may say about it, and what the reader found where nothing was said.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What separates the cells of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delimiter {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// The tab character.
    #[serde(rename = "\t")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Pipe,
}

impl Delimiter {
    /// In order of preference, for files that would read as well with another.
    pub const ALL: [Delimiter; 4] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Pipe];

    /// The delimiter's byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
        }
    }

    /// The delimiter as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Delimiter::Comma => ",",
            Delimiter::Semicolon => ";",
            Delimiter::Tab => "\t",
            Delimiter::Pipe => "|",
        }
    }

    /// The delimiter that a person names: the character, or for the tab, which is hard to type, `\t` or `tab`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "\\t" || name.eq_ignore_ascii_case("tab") {
            return Some(Delimiter::Tab);
        }
        Self::ALL.into_iter().find(|delimiter| delimiter.as_str() == name)
    }

    pub(crate) fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|delimiter| delimiter.byte() == byte)
    }
}

/// A character encoding, by the labels of the WHATWG's Encoding Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// UTF-8, which is what a file without a mark is in unless its sender says otherwise.
    pub const UTF_8: TextEncoding = TextEncoding(UTF_8);

    /// The encoding that goes by this label, in any case.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        // The standard maps encodings that are dangerous to read to one that refuses everything.
        Encoding::for_label(label.trim().as_bytes()).filter(|found| *found != REPLACEMENT).map(TextEncoding)
    }

    /// Its name in the standard, such as `windows-1252`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(crate) fn of(encoding: &'static Encoding) -> Self {
        TextEncoding(encoding)
    }

    pub(crate) fn get(self) -> &'static Encoding {
        self.0
    }
}

impl Serialize for TextEncoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TextEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let label = String::deserialize(deserializer)?;
        TextEncoding::parse(&label)
            .ok_or_else(|| de::Error::custom(format!("no encoding has the label `{label}`")))
    }
}

/// What a row with fewer cells than the header is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortRows {
    /// A row with something missing, which fails.
    #[default]
    Fail,
    /// A row whose last cells are empty: some programs leave them out.
    Fill,
}

impl ShortRows {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Fail, Self::Fill];

    /// The name used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Fill => "fill",
        }
    }

    /// The choice called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }
}

/// How a file is to be read. Kept with the action, so that the chunker reads what the upload was checked as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReadOptions {
    /// The encoding. Absent: UTF-8. A byte order mark in the file goes first.
    pub encoding: Option<TextEncoding>,
    /// The delimiter. Absent: found from the first lines.
    pub delimiter: Option<Delimiter>,
    /// What a row with missing last cells is.
    pub short_rows: ShortRows,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_and_encodings_are_found_by_the_names_people_give_them() {
        for (name, expected) in [
            (",", Some(Delimiter::Comma)),
            (";", Some(Delimiter::Semicolon)),
            ("\t", Some(Delimiter::Tab)),
            ("\\t", Some(Delimiter::Tab)),
            ("TAB", Some(Delimiter::Tab)),
            ("|", Some(Delimiter::Pipe)),
            (":", None),
            ("", None),
        ] {
            assert_eq!(Delimiter::parse(name), expected, "{name:?}");
        }
        assert_eq!(TextEncoding::parse(" Latin1 ").map(TextEncoding::name), Some("windows-1252"));
        assert_eq!(TextEncoding::parse("utf-16le").map(TextEncoding::name), Some("UTF-16LE"));
        assert!(TextEncoding::parse("klingon").is_none());
        assert!(TextEncoding::parse("iso-2022-kr").is_none(), "the standard refuses it");
    }
}
