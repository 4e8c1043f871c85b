//! Preview of a file before its upload, with the code of the upload itself. Stores nothing, and reads only the start of
//! a file.

use std::collections::BTreeMap;
use std::io::Cursor;

use bulk_core::action::{ActionType, Intake};
use bulk_core::config::UploadConfig;
use bulk_core::entity::{ColumnMap, Entities, Entity, Examined};
use csv_intake::header::{self, HeaderProblem, Suggestion};
use csv_intake::workbook::{self, WorkbookError};
use csv_intake::{CsvError, CsvReader, HeaderLine, ReadLimits, Record, Row, TextEncoding, is_blank};
use tokio_util::task::AbortOnDropHandle;

use super::file_part::{NO_FILE, check_type, is_nothing_chosen};
use super::form::{Form, Inquiry};
use super::header_check;
use super::inspection::FirstRows;
use super::parts::{Part, Parts};
use super::receive::{called_by_name, pass_over};
use crate::compute;
use crate::envelope::Detail;
use crate::error::ApiError;

/// Maximum number of bytes that are read of a file.
const MOST_BYTES: usize = 512 * 1024;
/// Clients may send only the start of a file, from this size on. A smaller body counts as the whole file.
const LEAST_START_BYTES: usize = 256 * 1024;
/// Maximum size of a workbook's sheet as text.
const MOST_SHEET_BYTES: u64 = 4 * 1024 * 1024;
/// Rows that are shown and checked.
const SHOWN_ROWS: u64 = 20;
/// Values shown per column.
const SAMPLES: usize = 3;
/// Characters shown of a value.
const SHOWN_CHARS: usize = 200;
/// Maximum number of columns shown. No file of ours has more.
const MOST_COLUMNS: usize = 500;

/// The start of a file.
struct Sample {
    bytes: Vec<u8>,
    /// True if the client sent nothing after these bytes.
    has_ended: bool,
}

/// The text of a file, or of the sheet of a workbook.
struct Text {
    bytes: Vec<u8>,
    is_complete: bool,
    is_sheet: bool,
}

/// Preview of an upload: how the file would be read, and the problems found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) encoding: Option<TextEncoding>,
    pub(crate) likely_encoding: Option<TextEncoding>,
    pub(crate) delimiter: Option<&'static str>,
    pub(crate) header_line: Option<u64>,
    pub(crate) likely_header_line: Option<u64>,
    pub(crate) columns: Vec<LookedAtColumn>,
    pub(crate) rows: Vec<LookedAtRow>,
    /// Required columns that the file does not have, by operation.
    pub(crate) missing: BTreeMap<&'static str, Vec<String>>,
    /// Problems for which an upload would be rejected.
    pub(crate) problems: Vec<Detail>,
    /// True if the whole file was read.
    pub(crate) is_complete: bool,
}

/// A column of the file.
#[derive(Debug)]
pub(crate) struct LookedAtColumn {
    pub(crate) header: String,
    pub(crate) suggestion: Option<(String, f64)>,
    /// Share of the rows that have a value in this column, from 0 to 1.
    pub(crate) fill_rate: f64,
    pub(crate) samples: Vec<String>,
}

/// One of the first rows.
#[derive(Debug)]
pub(crate) struct LookedAtRow {
    pub(crate) row: u64,
    pub(crate) line: u64,
    pub(crate) cells: Vec<String>,
    pub(crate) status: &'static str,
    /// Column, or `None` for the whole row, and message.
    pub(crate) problems: Vec<(Option<String>, String)>,
}

/// Reads the body: the start of the file, and the fields before and after it.
///
/// # Errors
/// The problems of the fields or of the body.
pub(crate) async fn look(
    parts: &mut Parts,
    account: &str,
    entities: &Entities,
    config: &UploadConfig,
) -> Result<Look, ApiError> {
    // The start time is not inspected, so it may be in the past.
    let mut form = Form::new(entities.clone(), account, true);
    let mut sample: Option<Sample> = None;
    while let Some(mut part) = parts.next().await? {
        match part.name().map(str::to_owned).as_deref() {
            None => form.refuse("body", "every part needs a name"),
            Some("file") if sample.is_some() => form.refuse("file", "must be given only once"),
            Some("file") => {
                if let Err(refusal) = check_type(part.content_type(), part.file_name()) {
                    return Err(called_by_name(&mut part, refusal).await);
                }
                sample = Some(take(&mut part, config).await?);
                // Fields may follow the file. If it is too long to skip, the preview uses the fields received so far.
                if !pass_over(&mut part).await? {
                    break;
                }
            }
            Some(name) => {
                let value = part.read_text().await?;
                form.add(name, &value);
            }
        }
    }
    if sample.is_none() {
        form.refuse("file", "is required");
    }
    let inquiry = form.finish_inquiry()?;
    let sample = sample.ok_or_else(|| ApiError::invalid("file", "is required"))?;
    // Parsing is CPU-bound, so it runs on the threads for such work; it stops if the client disconnects.
    let found = compute::spawn(async move { examine(sample, &inquiry).await });
    AbortOnDropHandle::new(found).await.map_err(ApiError::internal)
}

async fn take(part: &mut Part<'_>, config: &UploadConfig) -> Result<Sample, ApiError> {
    let most = MOST_BYTES.min(usize::try_from(config.max_file_size_bytes).unwrap_or(usize::MAX));
    let file_name = part.file_name().map(str::to_owned);
    let mut bytes = Vec::new();
    while let Some(piece) = part.next_piece().await? {
        let room = most - bytes.len();
        if piece.len() > room {
            bytes.extend_from_slice(&piece[..room]);
            return Ok(Sample { bytes, has_ended: false });
        }
        bytes.extend_from_slice(&piece);
    }
    if is_nothing_chosen(file_name.as_deref(), bytes.len() as u64) {
        return Err(ApiError::invalid("file", NO_FILE));
    }
    Ok(Sample { bytes, has_ended: true })
}

async fn examine(sample: Sample, inquiry: &Inquiry) -> Look {
    let chosen = &inquiry.configuration;
    let Text { bytes, is_complete, is_sheet } = match text(sample, &chosen.intake) {
        Ok(text) => text,
        Err(message) => return Look { problems: vec![Detail::new("file", message)], ..Look::default() },
    };
    // A file that is cut off may end in the middle of a row, which is not a problem of the file.
    let limits = ReadLimits { is_cut: !is_complete, ..ReadLimits::ACCEPTED };
    let mut reader = match CsvReader::open(Cursor::new(bytes), limits, &chosen.intake.read).await {
        Ok(reader) => reader,
        Err(error) => return unreadable(&error, is_complete),
    };
    let header = reader.header().to_vec();
    let Examined { resolved, map, problems } =
        inquiry.entity.examine(&header, &chosen.mapping, &chosen.intake);
    let suggestions = header::suggest(&header, &resolved, &inquiry.entity.known());
    let mut look = Look {
        encoding: Some(reader.encoding()),
        delimiter: Some(reader.delimiter().as_str()),
        header_line: Some(reader.header_line()),
        missing: missing(&inquiry.entity, &map),
        problems: header_check::details(problems).collect(),
        is_complete,
        ..Look::default()
    };
    let mut tally = Tally::new(header.len());
    let mut first_rows = FirstRows::default();
    if is_sheet {
        first_rows = first_rows.of_sheet();
    }
    let failure = read_rows(&mut reader, inquiry, &map, &mut tally, &mut look.rows, &mut first_rows).await;
    if let Some(error) = failure {
        look.likely_encoding = likely_encoding(&error);
        look.problems.push(Detail::new("file", error.to_string()));
    }
    // Only an unnamed column with values is a problem; empty ones occur at the edge of spreadsheets.
    let nameless = resolved.nameless.iter().filter(|index| tally.filled[**index] > 0);
    look.problems
        .extend(header_check::details(nameless.map(|index| HeaderProblem::nameless(*index)).collect()));
    if let Some(action) = inquiry.action_in_effect()
        && let Err(message) = inquiry.entity.check_header(&map, action)
    {
        look.problems.push(Detail::new("file", message));
    }
    if !look.problems.is_empty()
        && let Some(line) = header_check::header_below(&inquiry.entity, chosen, &header, &first_rows)
    {
        look.likely_header_line = HeaderLine::new(line).map(HeaderLine::get);
        look.problems.insert(0, header_check::stands_below(line));
    }
    // A file cut off within its first rows, or with other problems, is not reported as empty.
    if tally.rows == 0 && is_complete && look.problems.is_empty() {
        look.problems.push(Detail::new("file", "the file has a header but no rows"));
    }
    look.columns = columns(header, &suggestions, tally, &inquiry.entity);
    look
}

fn text(sample: Sample, intake: &Intake) -> Result<Text, String> {
    if workbook::container(&sample.bytes).is_none() {
        let is_complete = sample.has_ended && sample.bytes.len() < LEAST_START_BYTES;
        return Ok(Text { bytes: sample.bytes, is_complete, is_sheet: false });
    }
    let is_start = sample.bytes.len() >= LEAST_START_BYTES;
    let mut bytes = Vec::new();
    let (sheet, header_row) = (intake.sheet.as_deref(), intake.read.header_line);
    match workbook::convert(Cursor::new(sample.bytes), sheet, header_row, MOST_SHEET_BYTES, &mut bytes) {
        Ok(_) => Ok(Text { bytes, is_complete: true, is_sheet: true }),
        // The start of a workbook looks like a damaged one.
        Err(WorkbookError::Damaged) if is_start => Err(format!(
            "a workbook can only be looked at as a whole, up to {MOST_BYTES} bytes: upload it with dryRun=true to see what \
             becomes of its rows"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// Preview of a file whose header cannot be read.
fn unreadable(error: &CsvError, is_complete: bool) -> Look {
    let field = if matches!(error, CsvError::HeaderLine { .. }) { "headerLine" } else { "file" };
    let problems = vec![Detail::new(field, error.to_string())];
    Look { likely_encoding: likely_encoding(error), problems, is_complete, ..Look::default() }
}

fn likely_encoding(error: &CsvError) -> Option<TextEncoding> {
    match error {
        // Another encoding does not repair a file that is UTF-8 except for one line.
        CsvError::NotText { likely, .. } => likely.filter(|likely| *likely != TextEncoding::UTF_8),
        CsvError::IsUtf8 { .. } => Some(TextEncoding::UTF_8),
        _ => None,
    }
}

/// Values of the rows, by column.
struct Tally {
    rows: u64,
    filled: Vec<u64>,
    samples: Vec<Vec<String>>,
}

impl Tally {
    fn new(columns: usize) -> Self {
        Self { rows: 0, filled: vec![0; columns], samples: vec![Vec::new(); columns.min(MOST_COLUMNS)] }
    }

    fn add(&mut self, record: &Record) {
        self.rows += 1;
        for (index, cell) in record.iter().enumerate().take(self.filled.len()) {
            if is_blank(cell) {
                continue;
            }
            self.filled[index] += 1;
            if let Some(samples) = self.samples.get_mut(index)
                && samples.len() < SAMPLES
            {
                let value = shown(cell);
                if !samples.contains(&value) {
                    samples.push(value);
                }
            }
        }
    }
}

/// Reads to the end of the sample, or to the first error, and checks the first rows.
async fn read_rows(
    reader: &mut CsvReader,
    inquiry: &Inquiry,
    map: &ColumnMap,
    tally: &mut Tally,
    rows: &mut Vec<LookedAtRow>,
    first_rows: &mut FirstRows,
) -> Option<CsvError> {
    // Without a chosen operation, the preview checks for the most general one.
    let action = inquiry.action_in_effect().unwrap_or(ActionType::BulkUpsert);
    let map = inquiry.entity.relevant(map, action);
    let mut record = Record::new();
    loop {
        match reader.next_row(&mut record).await {
            Ok(Some(row)) => {
                first_rows.keep(row, &record);
                if row.fault.is_none() {
                    tally.add(&record);
                }
                if row.number <= SHOWN_ROWS {
                    rows.push(checked(row, &record, &inquiry.entity, &map, action));
                }
            }
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

fn checked(row: Row, record: &Record, entity: &Entity, map: &ColumnMap, action: ActionType) -> LookedAtRow {
    let (status, problems) = match row.fault {
        Some(fault) => ("malformed", vec![(None, fault.sentence(row.line))]),
        None => {
            let found = entity.check_row(map, action, record).err().unwrap_or_default();
            // Missing columns are reported once for the file and not for each row.
            let found = found.into_iter().filter(|problem| entity.has_column(map, &problem.column));
            let found: Vec<_> =
                found.map(|problem| (Some(problem.column.clone()), problem.message.clone())).collect();
            (if found.is_empty() { "valid" } else { "invalid" }, found)
        }
    };
    let cells = record.iter().take(MOST_COLUMNS).map(shown).collect();
    LookedAtRow { row: row.number, line: row.line, cells, status, problems }
}

/// Required columns that the file does not have, by operation.
fn missing(entity: &Entity, map: &ColumnMap) -> BTreeMap<&'static str, Vec<String>> {
    ActionType::ALL.into_iter().map(|action| (action.as_str(), entity.missing_columns(map, action))).collect()
}

fn columns(
    header: Vec<String>,
    suggestions: &[Option<Suggestion>],
    tally: Tally,
    entity: &Entity,
) -> Vec<LookedAtColumn> {
    let Tally { rows, filled, samples } = tally;
    let rate = |filled: u64| if rows == 0 { 0.0 } else { (filled as f64 / rows as f64 * 1e4).round() / 1e4 };
    let columns = header.into_iter().zip(suggestions).zip(filled).zip(samples);
    let column = |(((header, suggestion), filled), samples): (((String, &Option<Suggestion>), u64), _)| {
        let suggestion =
            suggestion.map(|found| (entity.columns()[found.column].name.clone(), found.confidence));
        LookedAtColumn { header: shown(&header), suggestion, fill_rate: rate(filled), samples }
    };
    columns.map(column).collect()
}

fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
