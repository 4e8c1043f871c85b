//! A look at a file before it is uploaded, by the very code of the upload: nothing is stored, and no more is read than
//! the start of a file.

use std::collections::BTreeMap;
use std::io::Cursor;

use bulk_core::action::ActionType;
use bulk_core::config::UploadConfig;
use bulk_core::entity::{ColumnMap, Entities, Entity};
use csv_intake::header::{self, HeaderProblem, Suggestion};
use csv_intake::{CsvError, CsvReader, ReadLimits, Record, Row, is_blank, workbook};
use tokio_util::task::AbortOnDropHandle;

use super::file_part::{NO_FILE, check_type, is_nothing_chosen};
use super::form::{Form, Inquiry};
use super::header_check;
use super::parts::{Part, Parts};
use super::receive::pass_over;
use crate::compute;
use crate::envelope::Detail;
use crate::error::ApiError;

/// Most bytes of a file that are looked at.
const MOST_BYTES: usize = 512 * 1024;
/// Callers may send the start of a file, from this size on. What is smaller is whole.
const LEAST_START_BYTES: usize = 256 * 1024;
/// Most bytes of a workbook's sheet as text.
const MOST_SHEET_BYTES: u64 = 4 * 1024 * 1024;
/// Rows that are shown and checked.
const SHOWN_ROWS: u64 = 20;
/// Values that are shown of each column.
const SAMPLES: usize = 3;
/// Characters that are shown of a value.
const SHOWN_CHARS: usize = 200;
/// More columns than this are not told of, since they belong to no file of ours.
const MOST_COLUMNS: usize = 500;

/// The start of a file.
struct Sample {
    bytes: Vec<u8>,
    /// The caller sent no more than these.
    has_ended: bool,
}

/// What an upload of the file would meet.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) encoding: Option<&'static str>,
    pub(crate) likely_encoding: Option<&'static str>,
    pub(crate) delimiter: Option<&'static str>,
    pub(crate) header_line: Option<u64>,
    pub(crate) columns: Vec<LookedAtColumn>,
    pub(crate) rows: Vec<LookedAtRow>,
    /// Columns that the file lacks, by what would be done with its rows.
    pub(crate) missing: BTreeMap<&'static str, Vec<String>>,
    /// What would refuse the file.
    pub(crate) problems: Vec<Detail>,
    /// The whole file was seen.
    pub(crate) is_complete: bool,
}

/// A column of the file.
#[derive(Debug)]
pub(crate) struct LookedAtColumn {
    pub(crate) header: String,
    pub(crate) suggestion: Option<(String, f64)>,
    /// How many of the rows have a value in it, from 0 to 1.
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
    /// Column, unless it is about the row as a whole, and sentence.
    pub(crate) problems: Vec<(Option<String>, String)>,
}

/// Reads the body: as much of the file as is looked at, and the fields before it and after it.
///
/// # Errors
/// What is wrong with the fields, or with the body.
pub(crate) async fn look(
    parts: &mut Parts,
    account: &str,
    entities: &Entities,
    config: &UploadConfig,
) -> Result<Look, ApiError> {
    // A schedule is none of what is looked at, so it may be late.
    let mut form = Form::new(entities.clone(), account, true);
    let mut sample: Option<Sample> = None;
    while let Some(mut part) = parts.next().await? {
        match part.name().map(str::to_owned).as_deref() {
            None => form.refuse("body", "every part needs a name"),
            Some("file") if sample.is_some() => form.refuse("file", "must be given only once"),
            Some("file") => {
                check_type(part.content_type(), part.file_name())?;
                sample = Some(take(&mut part, config).await?);
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
    let (text, is_complete) = match text(sample, chosen.intake.sheet.as_deref()) {
        Ok(text) => text,
        Err(message) => return Look { problems: vec![Detail::new("file", message)], ..Look::default() },
    };
    let limits = ReadLimits { is_cut: !is_complete, ..ReadLimits::ACCEPTED };
    let mut reader = match CsvReader::open(Cursor::new(text), limits, &chosen.intake.read).await {
        Ok(reader) => reader,
        Err(error) => return unreadable(&error, is_complete),
    };
    let (known, header) = (inquiry.entity.known(), reader.header().to_vec());
    let (resolved, problems) = header::examine(&header, &chosen.intake.wanted(&chosen.mapping, &known));
    let suggestions = header::suggest(&header, &resolved, &known);
    let map = ColumnMap::resolved(&resolved, inquiry.entity.columns().len(), &chosen.intake);
    let mut look = Look {
        encoding: Some(reader.encoding().name()),
        delimiter: Some(reader.delimiter().as_str()),
        header_line: Some(reader.header_line()),
        missing: missing(&inquiry.entity, &map),
        problems: header_check::details(problems).collect(),
        is_complete,
        ..Look::default()
    };
    let mut tally = Tally::new(header.len());
    let failure = read_rows(&mut reader, inquiry, &map, &mut tally, &mut look.rows).await;
    if let Some(error) = failure {
        look.likely_encoding = likely_encoding(&error);
        look.problems.push(Detail::new("file", error.to_string()));
    }
    let nameless = resolved.nameless.iter().filter(|index| tally.filled[**index] > 0);
    look.problems
        .extend(header_check::details(nameless.map(|index| HeaderProblem::nameless(*index)).collect()));
    if let Some(action) = inquiry.action_in_effect()
        && let Err(message) = inquiry.entity.check_header(&map, action)
    {
        look.problems.push(Detail::new("file", message));
    }
    if tally.rows == 0 && is_complete && look.problems.is_empty() {
        look.problems.push(Detail::new("file", "the file has a header but no rows"));
    }
    look.columns = columns(header, &suggestions, tally, &inquiry.entity);
    look
}

/// The text of a file, and whether it is all of it. A workbook's is that of its sheet.
fn text(sample: Sample, sheet: Option<&str>) -> Result<(Vec<u8>, bool), String> {
    if workbook::container(&sample.bytes).is_none() {
        let is_complete = sample.has_ended && sample.bytes.len() < LEAST_START_BYTES;
        return Ok((sample.bytes, is_complete));
    }
    if !sample.has_ended {
        return Err(format!(
            "a workbook can only be looked at as a whole, up to {MOST_BYTES} bytes: upload it with dryRun=true to see what \
             becomes of its rows"
        ));
    }
    let mut text = Vec::new();
    let converted = workbook::convert(Cursor::new(sample.bytes), sheet, MOST_SHEET_BYTES, &mut text);
    converted.map_err(|error| error.to_string())?;
    Ok((text, true))
}

/// What is said of a file whose header cannot be read.
fn unreadable(error: &CsvError, is_complete: bool) -> Look {
    let problems = vec![Detail::new("file", error.to_string())];
    Look { likely_encoding: likely_encoding(error), problems, is_complete, ..Look::default() }
}

fn likely_encoding(error: &CsvError) -> Option<&'static str> {
    match error {
        CsvError::NotText { likely, .. } => *likely,
        _ => None,
    }
}

/// What the rows have in each column.
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

/// Reads to the end of what is there, or as far as it can be read, and checks the first rows.
async fn read_rows(
    reader: &mut CsvReader,
    inquiry: &Inquiry,
    map: &ColumnMap,
    tally: &mut Tally,
    rows: &mut Vec<LookedAtRow>,
) -> Option<CsvError> {
    let action = inquiry.action_in_effect().unwrap_or(ActionType::BulkUpsert);
    let map = inquiry.entity.relevant(map, action);
    let mut record = Record::new();
    loop {
        match reader.next_row(&mut record).await {
            Ok(Some(row)) => {
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
            // What the file lacks is said of the file, not of each of its rows.
            let found = found.into_iter().filter(|problem| entity.has_column(map, &problem.column));
            let found: Vec<_> =
                found.map(|problem| (Some(problem.column.clone()), problem.message.clone())).collect();
            (if found.is_empty() { "valid" } else { "invalid" }, found)
        }
    };
    let cells = record.iter().take(MOST_COLUMNS).map(shown).collect();
    LookedAtRow { row: row.number, line: row.line, cells, status, problems }
}

/// What each action needs that the file does not have.
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
