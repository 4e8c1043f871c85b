//! The rows of a download as CSV.

use bytes::Bytes;
use csv_intake::spreadsheet::neutralise;

const OWN_COLUMNS: [&str; 4] = ["_row", "_status", "_reason", "_id"];
/// Bytes that are sent in one piece.
const PIECE_BYTES: usize = 64 * 1024;

/// Turns rows into CSV, in memory, to be taken piece by piece.
pub(super) struct CsvEncoder {
    csv: csv::Writer<Vec<u8>>,
    spreadsheet_safe: bool,
    /// Uploaded columns: a row with fewer fields is filled up with empty ones, so that readers that insist on full rows
    /// can read it.
    column_count: usize,
    /// Bytes of fields since the last piece was taken.
    pending_bytes: usize,
}

impl CsvEncoder {
    /// `spreadsheet_safe`: uploaded values that a spreadsheet would run as a formula are changed so that it does not.
    pub(super) fn new(spreadsheet_safe: bool) -> Self {
        Self { csv: writer(), spreadsheet_safe, column_count: 0, pending_bytes: 0 }
    }

    /// The header line.
    pub(super) fn header(&mut self, uploaded: &[String]) {
        self.column_count = uploaded.len();
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

    /// There is enough for a piece.
    pub(super) fn is_worth_sending(&self) -> bool {
        self.pending_bytes >= PIECE_BYTES
    }

    /// Everything written since the last piece.
    pub(super) fn take(&mut self) -> Bytes {
        self.pending_bytes = 0;
        let written = std::mem::replace(&mut self.csv, writer());
        written.into_inner().unwrap_or_default().into()
    }

    fn write<'a>(&mut self, own: &[&str], uploaded: impl Iterator<Item = &'a str>) {
        own.iter().for_each(|field| self.field(field));
        let mut field_count = 0;
        for value in uploaded {
            if self.spreadsheet_safe {
                self.field(&neutralise(value));
            } else {
                self.field(value);
            }
            field_count += 1;
        }
        for _ in field_count..self.column_count {
            self.field("");
        }
        let ended = self.csv.write_record(None::<&[u8]>);
        debug_assert!(ended.is_ok(), "a Vec takes every write");
    }

    fn field(&mut self, value: &str) {
        self.pending_bytes += value.len() + 1;
        let written = self.csv.write_field(value);
        debug_assert!(written.is_ok(), "a Vec takes every write");
    }
}

/// Flexible, because a row with too many fields is shown with all of them.
fn writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().flexible(true).from_writer(Vec::with_capacity(PIECE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(spreadsheet_safe: bool) -> String {
        let mut encoder = CsvEncoder::new(spreadsheet_safe);
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
            encoded(false),
            "_row,_status,_reason,_id,email,name\n\
             1,failed,invalid: name must have 1 to 255 characters,,a@b.c,=1+1\n\
             2,failed,malformed,,x,\"y,\"\"z\"\"\",-1\n"
        );
    }

    #[test]
    fn formulas_are_defused_on_request() {
        let text = encoded(true);
        assert!(text.contains(",'=1+1\n") && text.contains(",-1\n"), "{text}");
    }

    #[test]
    fn pieces_join_into_one_file() {
        let mut encoder = CsvEncoder::new(false);
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
