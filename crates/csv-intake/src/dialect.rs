//! Format of a file: options that the client may give, and what the reader detects otherwise.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Separator of the cells of a record.
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
    /// In order of preference, for files that several delimiters fit equally well.
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

    /// Parses a delimiter: the character or, for the tab, `\t` or `tab`.
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

/// A character encoding, by the labels of the WHATWG Encoding Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// UTF-8, the default for files without a byte order mark.
    pub const UTF_8: TextEncoding = TextEncoding(UTF_8);

    /// The encoding with this label, in any case.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        let named = |label: &str| Encoding::for_label(label.as_bytes());
        // The standard maps encodings that are dangerous to read to one that refuses everything.
        let found = named(label.trim()).or_else(|| named(standard_label(label)?));
        found.filter(|found| *found != REPLACEMENT).map(TextEncoding)
    }

    /// Name in the standard, such as `windows-1252`.
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

/// The standard's label for the names that programs and programming languages have beside it, such as `latin-1`,
/// `utf-8-sig` and `cp932`.
fn standard_label(name: &str) -> Option<&'static str> {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    let is = |names: &[&str]| names.contains(&name.as_str());
    Some(match () {
        () if is(&["utf8sig", "utf8bom", "utf8mb4"]) => "utf-8",
        () if is(&["utf16", "utf16le", "unicode"]) => "utf-16le",
        () if is(&["utf16be"]) => "utf-16be",
        () if is(&["latin1", "latin", "isolatin1", "westerneuropean", "windows1252", "win1252"]) => {
            "windows-1252"
        }
        () if is(&["windows1250", "win1250"]) => "windows-1250",
        () if is(&["windows1251", "win1251"]) => "windows-1251",
        () if is(&["windows1253", "win1253"]) => "windows-1253",
        () if is(&["windows1254", "win1254"]) => "windows-1254",
        () if is(&["latin2"]) => "iso-8859-2",
        () if is(&["latin9", "iso885915"]) => "iso-8859-15",
        () if is(&["macroman", "macosroman", "applemacintosh"]) => "macintosh",
        () if is(&["cp932", "windows932", "shiftjis"]) => "shift_jis",
        () if is(&["cp936", "windows936"]) => "gbk",
        () if is(&["cp949", "windows949"]) => "euc-kr",
        () if is(&["cp950", "windows950"]) => "big5",
        () => return None,
    })
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

/// Handling of a row with fewer cells than the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortRows {
    /// The row fails, because cells are missing.
    #[default]
    Fail,
    /// The missing cells count as empty, since some programs omit empty cells at the end.
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

/// Line of a file (of a sheet: its row) on which the header starts, from 1 to [`HeaderLine::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct HeaderLine(u64);

impl HeaderLine {
    /// The last line on which a header may start: more is no title above a table.
    pub const MAX: u64 = 100;

    /// The line with this number, if a header may start there.
    #[must_use]
    pub fn new(line: u64) -> Option<Self> {
        (1..=Self::MAX).contains(&line).then_some(HeaderLine(line))
    }

    /// The line's number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for HeaderLine {
    type Error = String;

    fn try_from(line: u64) -> Result<Self, String> {
        HeaderLine::new(line).ok_or_else(|| format!("a header starts on line 1 to {}, not {line}", Self::MAX))
    }
}

impl From<HeaderLine> for u64 {
    fn from(line: HeaderLine) -> u64 {
        line.get()
    }
}

/// Options for reading a file. Stored with the action, so that the chunker reads it in the same way as the upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReadOptions {
    /// Encoding. Absent: UTF-8. A byte order mark takes precedence.
    pub encoding: Option<TextEncoding>,
    /// Delimiter. Absent: detected from the first lines.
    pub delimiter: Option<Delimiter>,
    /// Line on which the header starts; the lines above it are no part of the table. Absent: the first line that is not
    /// blank. Left out of the stored form then, which keeps the form of files that were stored without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_line: Option<HeaderLine>,
    /// Handling of rows whose last cells are missing.
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
        for (name, expected) in [
            ("latin-1", "windows-1252"),
            ("UTF-8-SIG", "UTF-8"),
            ("utf_16", "UTF-16LE"),
            ("cp932", "Shift_JIS"),
            ("MacRoman", "macintosh"),
            ("Windows 1251", "windows-1251"),
        ] {
            assert_eq!(TextEncoding::parse(name).map(TextEncoding::name), Some(expected), "{name}");
        }
        assert!(TextEncoding::parse("klingon").is_none());
        assert!(TextEncoding::parse("").is_none());
        assert!(TextEncoding::parse("iso-2022-kr").is_none(), "the standard refuses it");
    }

    #[test]
    fn options_stored_without_a_header_line_are_read_and_written_as_before() {
        let stored = r#"{"encoding":"UTF-8","delimiter":";","shortRows":"fill"}"#;
        let options: ReadOptions = serde_json::from_str(stored).unwrap();
        assert_eq!(options.header_line, None);
        assert_eq!(serde_json::to_string(&options).unwrap(), stored);
        let with_line = ReadOptions { header_line: HeaderLine::new(3), ..options };
        let stored = r#"{"encoding":"UTF-8","delimiter":";","headerLine":3,"shortRows":"fill"}"#;
        assert_eq!(serde_json::to_string(&with_line).unwrap(), stored);
        assert_eq!(serde_json::from_str::<ReadOptions>(stored).unwrap(), with_line);
    }

    #[test]
    fn a_header_line_is_near_the_start_of_the_file() {
        assert_eq!([1, 100].map(|line| HeaderLine::new(line).map(HeaderLine::get)), [Some(1), Some(100)]);
        assert!(HeaderLine::new(0).is_none() && HeaderLine::new(101).is_none());
        assert!(serde_json::from_str::<ReadOptions>(r#"{"headerLine":0}"#).is_err());
    }
}
