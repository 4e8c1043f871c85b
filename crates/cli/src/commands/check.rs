//! `bulk check`: preview of an import; nothing is stored.

use std::io::Read as _;
use std::path::Path;

use api_types::{InspectedRow, InspectionView};
use client::{Source, Upload};

use super::import::{file_name, media_type};
use crate::args::CheckArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::of_file;
use crate::output::printable;
use crate::table;

/// Status of a row without problems.
const VALID: &str = "valid";
/// Amount of the file that is sent: enough for the header and some thousand rows.
const SLICE_BYTES: u64 = 1024 * 1024;
/// A workbook is sent whole, since its directory is at its end.
const MOST_WORKBOOK_BYTES: u64 = 64 * 1024 * 1024;
/// First bytes of a zip file, and so of a workbook.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Checks a file.
pub(crate) async fn check(context: &Context, args: &CheckArgs) -> Result<Exit, Failure> {
    let fields = of_file(&args.file)?;
    let name = file_name(&args.file.file);
    let bytes = beginning(&args.file.file)?;
    // Nothing is stored, so repeating the request is harmless.
    let mut upload = Upload::new(Source::bytes(bytes), name.clone()).media_type(media_type(&name));
    for (name, value) in fields {
        upload = upload.field(name, value);
    }
    let found: InspectionView = context.client.inspect(&upload).await?;
    let action_type = args.file.action_type();
    let missing = found.missing.get(action_type.as_str()).cloned().unwrap_or_default();
    let failing = found.rows.iter().filter(|row| row.status != VALID).count();
    if context.output.is_json() {
        context.output.json(&found)?;
    } else {
        for line in lines(&found) {
            context.output.line(&line)?;
        }
    }
    if !(found.problems.is_empty() && missing.is_empty()) {
        return Err(refused(&found, &missing, action_type.as_str()));
    }
    let looked_at = found.rows.len();
    if failing > 0 {
        context
            .output
            .note(&format!("{failing} of the first {looked_at} rows would fail; the others can be imported"));
        return Ok(Exit::RowsFailed);
    }
    context.output.note(&format!("nothing is wrong with the header and the first {looked_at} rows"));
    Ok(Exit::Fine)
}

fn refused(found: &InspectionView, missing: &[String], action_type: &str) -> Failure {
    let mut failure = Failure::new(Exit::Refused, "an import of this file would be refused");
    for problem in &found.problems {
        failure = failure.hint(format!("{}: {}", problem.field, problem.message));
    }
    if let Some(encoding) = &found.likely_encoding {
        failure = failure.hint(format!("`--encoding {encoding}` reads it, if that is what it is in"));
    }
    if let Some(line) = found.likely_header_line {
        failure = failure.hint(format!("`--header-line {line}` reads it, if the columns are named there"));
    }
    if !missing.is_empty() {
        failure = failure.hint(format!("{action_type} needs the column {}", missing.join(", ")));
    }
    failure.hint(
        "`--map HEADER=COLUMN` says which column is meant, `--ignore HEADER` leaves it out, `--ignore-unknown` all that \
         are unknown",
    )
}

fn lines(found: &InspectionView) -> Vec<String> {
    let delimiter = found.delimiter.as_deref().map_or_else(String::new, |delimiter| {
        format!(", cells separated by {}", if delimiter == "\t" { "tab" } else { delimiter })
    });
    let mut lines = Vec::new();
    if let (Some(encoding), Some(line)) = (&found.encoding, found.header_line) {
        lines.push(printable(&format!("{encoding}{delimiter}, header in line {line}")));
    }
    let columns: Vec<_> = found
        .columns
        .iter()
        .map(|column| {
            let becomes = column.suggestion.as_ref().map_or("?", |suggestion| suggestion.column.as_str());
            let samples = column.samples.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
            let filled = format!("{:.0} %", column.fill_rate * 100.0);
            [column.position.to_string(), column.header.clone(), becomes.to_owned(), filled, samples]
        })
        .collect();
    lines.extend(table::lines(["#", "HEADER", "COLUMN", "FILLED", "SUCH AS"], &columns));
    let problems: Vec<_> = found.rows.iter().flat_map(problems).collect();
    if !problems.is_empty() {
        lines.push(String::new());
        lines.extend(table::lines(["ROW", "LINE", "COLUMN", "PROBLEM"], &problems));
    }
    lines
}

fn problems(row: &InspectedRow) -> impl Iterator<Item = [String; 4]> {
    row.problems.iter().map(|problem| {
        let column = problem.column.clone().unwrap_or_default();
        [row.row.to_string(), row.line.to_string(), column, problem.message.clone()]
    })
}

/// The part of the file that is sent.
fn beginning(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    let mut reader: Box<dyn std::io::Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let mut bytes = Vec::new();
    (&mut reader).take(SLICE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.starts_with(ZIP_MAGIC) {
        reader.take(MOST_WORKBOOK_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}
