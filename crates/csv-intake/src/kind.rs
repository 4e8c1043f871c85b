//! Files that are not CSV, recognised by their first bytes or their first line. File names are unreliable, because
//! people rename files and programs save one kind under the name of another; and "not valid text" would not help the
//! user.

use std::fmt;

/// Number of bytes that [`FileKind::of_bytes`] examines. Fewer are enough for all kinds but those based on zip
/// archives.
pub const KIND_BYTES: usize = 128;

/// Kind of a file that is not CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A workbook in the format since 2007, `.xlsx`.
    Workbook,
    /// A workbook in the format before 2007, `.xls`, or one with a password.
    OldWorkbook,
    /// An OpenDocument file, `.ods`.
    OpenDocument,
    /// A document of Numbers, Pages or Keynote.
    AppleDocument,
    /// A zip archive of something else.
    Zip,
    /// A gzip file inside a gzip file.
    GzipInGzip,
    /// Another archive: bzip2, xz, zstd, 7z, rar.
    Archive,
    /// A PDF document.
    Pdf,
    /// A text document, `.rtf`.
    RichText,
    /// A picture.
    Image,
    /// A database or table file of a program: SQLite, Parquet.
    Database,
    /// A web page.
    WebPage,
    /// XML.
    Xml,
    /// JSON, or one JSON object a line.
    Json,
    /// An address book, `.vcf`.
    AddressBook,
    /// A calendar, `.ics`.
    Calendar,
}

/// Magic bytes and their kinds.
const MAGIC: [(&[u8], FileKind); 20] = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind::OldWorkbook),
    (b"\x09\x08\x10\x00", FileKind::OldWorkbook),
    (b"%PDF-", FileKind::Pdf),
    (b"{\\rtf", FileKind::RichText),
    (b"\x89PNG", FileKind::Image),
    (b"\xff\xd8\xff", FileKind::Image),
    (b"GIF87a", FileKind::Image),
    (b"GIF89a", FileKind::Image),
    (b"II*\0", FileKind::Image),
    (b"MM\0*", FileKind::Image),
    (b"BZh9", FileKind::Archive),
    (b"\xfd7zXZ\0", FileKind::Archive),
    (b"\x28\xb5\x2f\xfd", FileKind::Archive),
    (b"7z\xbc\xaf\x27\x1c", FileKind::Archive),
    (b"Rar!\x1a\x07", FileKind::Archive),
    (b"SQLite f", FileKind::Database),
    (b"PAR1", FileKind::Database),
    (b"PK\x03\x04", FileKind::Zip),
    (b"PK\x05\x06", FileKind::Zip),
    (b"PK\x07\x08", FileKind::Zip),
];

/// Beginnings of the name of the first entry of a workbook.
const WORKBOOK_ENTRIES: [&[u8]; 4] = [b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/"];

impl FileKind {
    /// The kind of a file with these first bytes; `None` if it may be text. [`KIND_BYTES`] bytes after gunzip are
    /// enough.
    #[must_use]
    pub(crate) fn of_bytes(head: &[u8]) -> Option<Self> {
        let (_, kind) = MAGIC.into_iter().find(|(magic, _)| head.starts_with(magic))?;
        Some(if kind == FileKind::Zip { zip_kind(head) } else { kind })
    }

    /// The kind of a file with these first bytes, text or not; `None` if it may be a table. [`KIND_BYTES`] bytes are enough.
    #[must_use]
    pub fn of_start(head: &[u8]) -> Option<Self> {
        let line = head.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next();
        Self::of_bytes(head).or_else(|| Self::of_line(line?))
    }

    /// The kind of a file that is certainly not text: its mark is not at the start, or could also begin a text.
    #[must_use]
    pub(crate) fn of_binary(start: &[u8]) -> Option<Self> {
        let has = |at: usize, mark: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(mark));
        match () {
            () if has(257, b"ustar") => Some(FileKind::Archive),
            () if has(0, b"RIFF") && has(8, b"WEBP") => Some(FileKind::Image),
            () if has(0, b"BM") && has(6, &[0; 4]) => Some(FileKind::Image),
            () if has(4, b"ftyp") => Some(FileKind::Image),
            () => None,
        }
    }

    /// The kind of a file with this first line; `None` if it may be a table.
    #[must_use]
    pub(crate) fn of_line(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let begins = |words: &[&str]| {
            words.iter().any(|word| {
                line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
            })
        };
        if begins(&["<?xml"]) {
            return Some(FileKind::Xml);
        }
        if begins(&["<!doctype", "<html", "<head", "<body", "<table", "<div", "<!--", "<meta", "<style"]) {
            return Some(FileKind::WebPage);
        }
        if begins(&["BEGIN:VCARD"]) {
            return Some(FileKind::AddressBook);
        }
        if begins(&["BEGIN:VCALENDAR"]) {
            return Some(FileKind::Calendar);
        }
        is_json(line).then_some(FileKind::Json)
    }
}

/// Decides by the name of the first entry, which is 30 bytes after the start of the archive.
fn zip_kind(head: &[u8]) -> FileKind {
    let entry = head.get(30..).unwrap_or_default();
    if WORKBOOK_ENTRIES.iter().any(|name| entry.starts_with(name)) {
        FileKind::Workbook
    } else if entry.starts_with(b"mimetypeapplication/vnd.oasis.opendocument") {
        FileKind::OpenDocument
    } else if entry.starts_with(b"Index/") {
        FileKind::AppleDocument
    } else {
        FileKind::Zip
    }
}

/// True for a brace or bracket alone, or followed by what JSON allows after it.
fn is_json(line: &[u8]) -> bool {
    let [first @ (b'{' | b'['), rest @ ..] = line else { return false };
    match rest.trim_ascii_start() {
        [] => true,
        [b'"', ..] => true,
        [b'{' | b'[', ..] => *first == b'[',
        [b'}', ..] => *first == b'{',
        [b']', ..] => *first == b'[',
        _ => false,
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            FileKind::Workbook => {
                "the file is a workbook (.xlsx): upload it as it is, not packed once more, or save its sheet as CSV UTF-8"
            }
            FileKind::OldWorkbook => {
                "the file is an old workbook (.xls), or one with a password: open it in a spreadsheet program and save it \
                 as .xlsx without a password, or as CSV UTF-8"
            }
            FileKind::OpenDocument => {
                "the file is an OpenDocument file (.ods): open it in a spreadsheet program and save it as .xlsx or as CSV \
                 UTF-8"
            }
            FileKind::AppleDocument => {
                "the file is a document of Numbers, Pages or Keynote: export its table as CSV or as an .xlsx workbook"
            }
            FileKind::Zip => {
                "the file is a zip archive: unpack it and upload the CSV file or the workbook that is in it"
            }
            FileKind::GzipInGzip => {
                "the file is a gzip file inside a gzip file: unpack it once and upload what is in it"
            }
            FileKind::Archive => "the file is an archive: unpack it and upload the CSV file that is in it",
            FileKind::Pdf => {
                "the file is a PDF document: export the table as CSV from the program that made the document"
            }
            FileKind::RichText => "the file is a text document (.rtf): save the table as CSV UTF-8",
            FileKind::Image => "the file is a picture: upload the table itself, saved as CSV UTF-8",
            FileKind::Database => {
                "the file is a database file: export the table that is to be uploaded as CSV UTF-8"
            }
            FileKind::WebPage => {
                "the file is a web page (HTML): some programs export a table so under another name. Open it in a \
                 spreadsheet program and save it as CSV UTF-8; if it came from a download, check that it is no sign-in page"
            }
            FileKind::Xml => {
                "the file is XML: open it in a spreadsheet program and save it as CSV UTF-8, or export it as CSV"
            }
            FileKind::Json => "the file is JSON: convert it to CSV, with one line for each object and a header line",
            FileKind::AddressBook => "the file is an address book (vCard): export the contacts as CSV",
            FileKind::Calendar => "the file is a calendar (iCalendar): export the entries as CSV",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip(entry: &[u8]) -> Vec<u8> {
        [&b"PK\x03\x04"[..], &[0; 26], entry].concat()
    }

    #[test]
    fn binary_files_are_known_by_their_first_bytes() {
        for (head, expected) in [
            (zip(b"[Content_Types].xml"), FileKind::Workbook),
            (zip(b"xl/workbook.xml"), FileKind::Workbook),
            (zip(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), FileKind::OpenDocument),
            (zip(b"Index/Document.iwa"), FileKind::AppleDocument),
            (zip(b"contacts.csv"), FileKind::Zip),
            (b"PK\x05\x06".to_vec(), FileKind::Zip),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0".to_vec(), FileKind::OldWorkbook),
            (b"%PDF-1.7\n".to_vec(), FileKind::Pdf),
            (b"\x89PNG\r\n".to_vec(), FileKind::Image),
        ] {
            assert_eq!(FileKind::of_bytes(&head), Some(expected), "{head:?}");
        }
        assert_eq!(FileKind::of_bytes(b"email,name\n"), None);
        assert_eq!(FileKind::of_bytes(b""), None);
    }

    #[test]
    fn some_are_known_only_once_they_are_no_text() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        assert_eq!(FileKind::of_binary(&tar), Some(FileKind::Archive));
        assert_eq!(FileKind::of_binary(b"RIFF\x24\0\0\0WEBPVP8 "), Some(FileKind::Image));
        assert_eq!(FileKind::of_binary(b"BMW,Audi\0"), None);
        assert_eq!(FileKind::of_binary(b""), None);
    }

    #[test]
    fn text_that_is_no_table_is_known_by_its_first_line() {
        for (line, expected) in [
            ("<!DOCTYPE html>", FileKind::WebPage),
            ("  <table border=1>", FileKind::WebPage),
            ("<?xml version=\"1.0\"?>", FileKind::Xml),
            ("[", FileKind::Json),
            ("{\"email\":\"a@b.c\"}", FileKind::Json),
            ("[ {\"email\"", FileKind::Json),
            ("BEGIN:VCARD", FileKind::AddressBook),
        ] {
            assert_eq!(FileKind::of_line(line.as_bytes()), Some(expected), "{line}");
        }
        for line in ["email,name", "[email],[name]", "{name}", "<email>,<name>", "", "x<html>"] {
            assert_eq!(FileKind::of_line(line.as_bytes()), None, "{line}");
        }
    }
}
