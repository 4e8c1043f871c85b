//! Kind of a file by its bytes, since names and media types are unreliable.

use std::io::{Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use super::WorkbookError;

const ZIP: &[u8] = b"PK\x03\x04";
/// An archive without entries.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Maximum number of parts; a workbook has about a hundred.
const MAX_PARTS: u64 = 10_000;
const END_BYTES: usize = 22;
const LONGEST_END_BYTES: u64 = END_BYTES as u64 + u16::MAX as u64;
const LOCATOR_BYTES: usize = 20;

/// Container formats of workbooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// A zip archive: `.xlsx` and many others.
    Zip,
    /// A compound file: `.xls`, an encrypted workbook, and other documents of old programs.
    Compound,
}

/// The container format of a file with these first bytes; eight are enough.
#[must_use]
pub fn container(head: &[u8]) -> Option<Container> {
    if head.starts_with(ZIP) || head.starts_with(EMPTY_ZIP) {
        return Some(Container::Zip);
    }
    head.starts_with(COMPOUND).then_some(Container::Compound)
}

/// Refuses anything but `.xlsx`, naming its kind if it is recognised.
pub(super) fn check(source: &mut (impl Read + Seek)) -> Result<(), WorkbookError> {
    let head = read_at(source, SeekFrom::Start(0), COMPOUND.len() as u64)?;
    match container(&head) {
        Some(Container::Zip) => {}
        Some(Container::Compound) => return Err(compound(source)?),
        None => return Err(WorkbookError::Damaged),
    }
    if part_count(source)? > MAX_PARTS {
        return Err(WorkbookError::TooLarge("it has too many parts"));
    }
    source.seek(SeekFrom::Start(0)).map_err(WorkbookError::Read)?;
    let archive = ZipArchive::new(source).map_err(|error| match error {
        ZipError::Io(error) => WorkbookError::from_unpacking(error),
        _ => WorkbookError::Damaged,
    })?;
    let names = archive.file_names().flatten();
    let names: Vec<String> = names.map(|name| name.replace('\\', "/").to_lowercase()).collect();
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    if has("xl/workbook.xml") || (has("_rels/.rels") && names.iter().any(|name| name.contains("worksheets/")))
    {
        return Ok(());
    }
    Err(match () {
        () if has("xl/workbook.bin") => WorkbookError::Binary,
        () if has("content.xml") && has("mimetype") => WorkbookError::OpenDocument,
        () if has("word/") => WorkbookError::Other("a text document"),
        () if has("ppt/") => WorkbookError::Other("a presentation"),
        () if has("index/") => WorkbookError::Other("a document of Numbers, Pages or Keynote"),
        () => WorkbookError::Archive,
    })
}

/// Decides by the names inside a compound file, which are UTF-16; the first of each kind is close enough to the start.
fn compound(source: &mut (impl Read + Seek)) -> Result<WorkbookError, WorkbookError> {
    source.seek(SeekFrom::Start(0)).map_err(WorkbookError::Read)?;
    let utf16 = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let encrypted = utf16("EncryptedPackage");
    let (mut piece, mut kept) = (vec![0; 64 * 1024], 0);
    loop {
        let length = source.read(&mut piece[kept..]).map_err(WorkbookError::Read)?;
        let filled = kept + length;
        if piece[..filled].windows(encrypted.len()).any(|window| window == encrypted) {
            return Ok(WorkbookError::Protected);
        }
        if length == 0 {
            return Ok(WorkbookError::Legacy);
        }
        // A name may be split between two pieces.
        kept = filled.min(encrypted.len());
        piece.copy_within(filled - kept..filled, 0);
    }
}

/// Number of parts according to the archive, read before anything is allocated for each of them.
fn part_count(source: &mut (impl Read + Seek)) -> Result<u64, WorkbookError> {
    let length = source.seek(SeekFrom::End(0)).map_err(WorkbookError::Read)?;
    let tail_start = length.saturating_sub(LONGEST_END_BYTES + LOCATOR_BYTES as u64);
    let tail = read_at(source, SeekFrom::Start(tail_start), LONGEST_END_BYTES + LOCATOR_BYTES as u64)?;
    let ends = tail.windows(END_BYTES).enumerate().filter(|(_, window)| window.starts_with(EMPTY_ZIP));
    let mut most = None;
    for (position, end) in ends {
        let mut count = u64::from(u16::from_le_bytes([end[10], end[11]]));
        let locator = position.checked_sub(LOCATOR_BYTES).map(|start| &tail[start..position]);
        if let Some(locator) = locator.filter(|locator| locator.starts_with(b"PK\x06\x07")) {
            let offset = little_endian(&locator[8..16]);
            let wide = read_at(source, SeekFrom::Start(offset), 40)?;
            count = count.max(wide.get(32..40).map_or(u64::MAX, little_endian));
        }
        most = most.max(Some(count));
    }
    most.ok_or(WorkbookError::Damaged)
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn read_at(source: &mut (impl Read + Seek), place: SeekFrom, length: u64) -> Result<Vec<u8>, WorkbookError> {
    source.seek(place).map_err(WorkbookError::Read)?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes).map_err(WorkbookError::Read)?;
    Ok(bytes)
}
