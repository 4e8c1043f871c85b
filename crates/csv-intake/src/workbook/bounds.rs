//! Limits on the unpacked parts of a workbook. The sizes stated by an archive are unreliable, so each part is unpacked
//! once without being stored before the parser unpacks it into memory.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;

use super::WorkbookError;

/// All parts together: a million rows with about twenty columns.
const MAX_TOTAL_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Maximum expansion of a part, from [`RATIO_MATTERS_BYTES`] on: deflate reaches a thousand, sheets sixty.
const MAX_RATIO: u64 = 250;
const RATIO_MATTERS_BYTES: u64 = 16 * 1024 * 1024;
/// Strings shared by cells, which the parser keeps in memory.
const MAX_SHARED_BYTES: u64 = 192 * 1024 * 1024;
/// Two strings for each row of the largest sheet.
const MAX_SHARED_STRINGS: u64 = 2 * 1_048_576 + 1024;
/// Parts that the parser keeps in memory, such as the styles and the list of sheets.
const MAX_KEPT_BYTES: u64 = 16 * 1024 * 1024;
/// Cell formats: Excel allows 65,490 and lists them twice.
const MAX_FORMATS: u64 = 131_072;
/// A tag, or the text between two tags: the longest cell of a spreadsheet, with every character as an entity.
const MAX_PIECE_BYTES: u64 = 512 * 1024;
/// A part that is not XML, such as a picture. The parser reads it only in a manipulated workbook.
const MAX_OTHER_BYTES: u64 = 32 * 1024 * 1024;

/// Use of a part by the parser.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    SharedStrings,
    /// Read sequentially.
    Streamed,
    Kept,
    Other,
}

impl Role {
    fn of(name: &str) -> Self {
        let name = name.replace('\\', "/").to_lowercase();
        match () {
            () if name.ends_with("sharedstrings.xml") => Self::SharedStrings,
            () if name.ends_with(".rels")
                || name.ends_with("styles.xml")
                || name.ends_with("workbook.xml") =>
            {
                Self::Kept
            }
            () if name.contains("theme/") => Self::Kept,
            () if name.ends_with(".xml") => Self::Streamed,
            () => Self::Other,
        }
    }

    fn max_bytes(self) -> u64 {
        match self {
            Self::SharedStrings => MAX_SHARED_BYTES,
            Self::Streamed => MAX_TOTAL_BYTES,
            Self::Kept => MAX_KEPT_BYTES,
            Self::Other => MAX_OTHER_BYTES,
        }
    }
}

/// Refuses an archive with a part that needs too much memory or time.
pub(super) fn check(source: &mut (impl Read + Seek)) -> Result<(), WorkbookError> {
    source.seek(SeekFrom::Start(0)).map_err(WorkbookError::Read)?;
    let mut archive = ZipArchive::new(source).map_err(|_| WorkbookError::Damaged)?;
    let mut total_bytes = 0;
    for index in 0..archive.len() {
        // Fails for a part that is encrypted or packed by a method that spreadsheet programs do not use.
        let part = archive.by_index(index).map_err(|_| WorkbookError::Damaged)?;
        let role = Role::of(&part.name().map_err(|_| WorkbookError::Damaged)?);
        let by_ratio = part.compressed_size().saturating_mul(MAX_RATIO).max(RATIO_MATTERS_BYTES);
        let limit_bytes = role.max_bytes().min(by_ratio).min(MAX_TOTAL_BYTES - total_bytes);
        total_bytes += scan(part, role, limit_bytes)?;
    }
    Ok(())
}

/// Unpacks a part and returns its size.
fn scan(part: impl Read, role: Role, limit_bytes: u64) -> Result<u64, WorkbookError> {
    let mut part = BufReader::with_capacity(64 * 1024, part);
    let (mut markup, mut size_bytes) = (Markup::default(), 0);
    loop {
        let piece = part.fill_buf().map_err(WorkbookError::from_unpacking)?;
        let length = piece.len();
        if length == 0 {
            return Ok(size_bytes);
        }
        size_bytes += length as u64;
        if size_bytes > limit_bytes {
            return Err(WorkbookError::TooLarge("a part of it unpacks to too much"));
        }
        if role != Role::Other {
            markup.see(piece, role)?;
        }
        part.consume(length);
    }
}

/// Tracks the tags of a part, however its bytes are split into pieces.
#[derive(Default)]
struct Markup {
    /// Bytes since the last `<` or `>`.
    piece_bytes: u64,
    /// The first bytes of the current tag; `None` outside tags.
    tag: Option<Vec<u8>>,
    shared_strings: u64,
    formats: u64,
}

/// Enough of a tag to contain the count of shared strings.
const TAG_START_BYTES: usize = 512;

impl Markup {
    fn see(&mut self, piece: &[u8], role: Role) -> Result<(), WorkbookError> {
        for text in piece.split_inclusive(|byte| matches!(byte, b'<' | b'>')) {
            self.piece_bytes += text.len() as u64;
            if self.piece_bytes > MAX_PIECE_BYTES {
                return Err(WorkbookError::TooLarge("one of its cells is too long"));
            }
            if let Some(tag) = &mut self.tag {
                tag.extend(text.iter().take(TAG_START_BYTES - tag.len().min(TAG_START_BYTES)));
            }
            match text.last() {
                Some(b'<') => {
                    let mut tag = self.tag.take().unwrap_or_default();
                    tag.clear();
                    (self.tag, self.piece_bytes) = (Some(tag), 0);
                }
                Some(b'>') => {
                    self.piece_bytes = 0;
                    if let Some(tag) = self.tag.take() {
                        self.count(&tag, role)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `tag` is the text after `<`, up to and including `>` unless it is long.
    fn count(&mut self, tag: &[u8], role: Role) -> Result<(), WorkbookError> {
        let end = tag.iter().position(|byte| !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b':' | b'_'));
        let name = &tag[..end.unwrap_or(tag.len())];
        let name = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        match (role, name) {
            (Role::SharedStrings, b"si") => self.shared_strings += 1,
            // The parser allocates memory for the announced number.
            (Role::SharedStrings, b"sst") => self.shared_strings += announced(tag),
            (
                Role::Kept,
                b"xf" | b"font" | b"fill" | b"border" | b"numFmt" | b"sheet" | b"definedName"
                | b"Relationship",
            ) => {
                self.formats += 1;
            }
            _ => {}
        }
        // Announced and counted, so the limit is doubled.
        if self.shared_strings > 2 * MAX_SHARED_STRINGS {
            return Err(WorkbookError::TooLarge("it has too many different texts"));
        }
        if self.formats > MAX_FORMATS {
            return Err(WorkbookError::TooLarge("it has too many formats"));
        }
        Ok(())
    }
}

/// The number in `uniqueCount="…"`; the maximum if it is not a number or truncated.
fn announced(tag: &[u8]) -> u64 {
    const NAME: &[u8] = b"uniqueCount";
    if tag.len() >= TAG_START_BYTES {
        return u64::MAX / 2;
    }
    let Some(start) = tag.windows(NAME.len()).position(|window| window == NAME) else { return 0 };
    let digits = tag[start + NAME.len()..].iter().skip_while(|byte| !byte.is_ascii_digit());
    digits.take_while(|byte| byte.is_ascii_digit()).fold(0_u64, |number, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0')).min(u64::MAX / 2)
    })
}
