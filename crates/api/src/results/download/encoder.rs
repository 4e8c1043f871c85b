//! The rows of a download as CSV.

use std::borrow::Cow;

use bytes::Bytes;
use csv_intake::Delimiter;
use csv_intake::spreadsheet::neutralise;

const OWN_COLUMNS: [&str; 4] = ["_row", "_status", "_reason", "_id"];
/// Size of the pieces that are sent.
const PIECE_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Encodes rows as CSV in memory; the output is taken in pieces.
pub(super) struct CsvEncoder {
    csv: csv::Writer<Vec<u8>>,
    /// Cell separator of a spreadsheet export.
    spreadsheet: Option<Delimiter>,
    /// For each uploaded column, whether it is written. Columns added by an earlier download are left out, so that a
    /// repaired and re-uploaded file does not contain them twice. A row with too few fields is padded with empty ones
    /// for readers that require full rows.
    written: Vec<bool>,
    /// Bytes of fields since the last piece was taken.
    pending_bytes: usize,
}

impl CsvEncoder {
    /// For a spreadsheet: a byte order mark marks the text as UTF-8, cells are separated as in the uploaded file, which
    /// the user's program evidently writes and reads, and no cell runs as a formula.
    pub(super) fn new(spreadsheet: Option<Delimiter>) -> Self {
        let start = if spreadsheet.is_some() { BYTE_ORDER_MARK } else { b"" };
        Self { csv: writer(spreadsheet, start), spreadsheet, written: Vec::new(), pending_bytes: 0 }
    }

    /// The header line.
    pub(super) fn header(&mut self, uploaded: &[String]) {
        self.written = uploaded.iter().map(|name| !OWN_COLUMNS.contains(&name.as_str())).collect();
        self.write(&OWN_COLUMNS, uploaded.iter().map(String::as_str));
    }

    /// A row with its uploaded values.
    pub(super) fn row<'a>(
        &mut self,
        row: &str,
        status: &str,
        reason: &str,
        record_id: &str,
        uploaded: impl Iterator<Item = &'a str>,
    ) {
        self.write(&[row, status, reason, record_id], uploaded);
    }

    /// True if there are enough bytes for a piece.
    pub(super) fn is_worth_sending(&self) -> bool {
        self.pending_bytes >= PIECE_BYTES
    }

    /// Everything written since the last piece.
    pub(super) fn take(&mut self) -> Bytes {
        self.pending_bytes = 0;
        let written = std::mem::replace(&mut self.csv, writer(self.spreadsheet, b""));
        written.into_inner().unwrap_or_default().into()
    }

    fn write<'a>(&mut self, own: &[&str], uploaded: impl Iterator<Item = &'a str>) {
        own.iter().for_each(|field| self.field(field));
        let mut field_count = 0;
        for value in uploaded {
            if self.is_written(field_count) {
                let shown = if self.spreadsheet.is_some() { neutralise(value) } else { Cow::Borrowed(value) };
                self.field(&shown);
            }
            field_count += 1;
        }
        for column in field_count..self.written.len() {
            if self.is_written(column) {
                self.field("");
            }
        }
        let ended = self.csv.write_record(None::<&[u8]>);
        debug_assert!(ended.is_ok(), "a Vec takes every write");
    }

    fn is_written(&self, column: usize) -> bool {
        self.written.get(column).copied().unwrap_or(true)
    }

    fn field(&mut self, value: &str) {
        self.pending_bytes += value.len() + 1;
        let written = self.csv.write_field(value);
        debug_assert!(written.is_ok(), "a Vec takes every write");
    }
}

/// Flexible, because a row with too many fields is written with all of them.
fn writer(spreadsheet: Option<Delimiter>, start: &[u8]) -> csv::Writer<Vec<u8>> {
    let mut text = Vec::with_capacity(PIECE_BYTES);
    text.extend_from_slice(start);
    let delimiter = spreadsheet.unwrap_or(Delimiter::Comma).byte();
    csv::WriterBuilder::new().flexible(true).delimiter(delimiter).from_writer(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(spreadsheet: Option<Delimiter>) -> String {
        let mut encoder = CsvEncoder::new(spreadsheet);
        encoder.header(&["email".to_owned(), "name".to_owned()]);
        encoder.row(
            "1",
            "failed",
            "invalid: name must have 1 to 255 characters",
            "",
            ["a@b.c", "=1+1"].into_iter(),
        );
        encoder.row("2", "failed", "malformed", "", ["x", "y,\"z\"", "-1"].into_iter());
        String::from_utf8(encoder.take().to_vec()).unwrap()
    }

    #[test]
    fn uploaded_values_stay_as_they_are() {
        assert_eq!(
            encoded(None),
            "_row,_status,_reason,_id,email,name\n\
             1,failed,invalid: name must have 1 to 255 characters,,a@b.c,=1+1\n\
             2,failed,malformed,,x,\"y,\"\"z\"\"\",-1\n"
        );
    }

    #[test]
    fn formulas_are_defused_on_request() {
        assert_eq!(
            encoded(Some(Delimiter::Semicolon)),
            "\u{feff}_row;_status;_reason;_id;email;name\n\
             1;failed;invalid: name must have 1 to 255 characters;;a@b.c;'=1+1\n\
             2;failed;malformed;;x;\"y,\"\"z\"\"\";-1\n"
        );
    }

    #[test]
    fn pieces_join_into_one_file() {
        let mut encoder = CsvEncoder::new(None);
        let mut whole = Vec::new();
        for row in 0..20_000 {
            encoder.row(&row.to_string(), "success", "created", "", ["a@b.c"].into_iter());
            if encoder.is_worth_sending() {
                whole.extend(encoder.take());
            }
        }
        whole.extend(encoder.take());
        assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), 20_000);
    }
}
