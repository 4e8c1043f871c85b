//! Arbitrary bytes in pieces of any size: the reader must not panic, and the result must not depend on the sizes. Run
//! with `cargo +nightly fuzz run read` in `crates/csv-intake`.

#![no_main]

use std::pin::Pin;
use std::task::{Context, Poll};

use csv_intake::{CsvReader, HeaderLine, ReadLimits, ReadOptions, Record};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, ReadBuf};

/// Returns its bytes in pieces of one size.
struct Pieces {
    bytes: Vec<u8>,
    given: usize,
    size: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let length = self.size.min(self.bytes.len() - self.given).min(buffer.remaining());
        let piece = &self.bytes[self.given..self.given + length];
        buffer.put_slice(piece);
        self.given += length;
        Poll::Ready(Ok(()))
    }
}

async fn read(bytes: &[u8], size: usize, header_line: u8) -> (Vec<String>, Option<String>) {
    let source = Pieces { bytes: bytes.to_vec(), given: 0, size };
    let limits = ReadLimits { max_decoded_bytes: 1 << 20, max_record_bytes: 64, ..ReadLimits::ACCEPTED };
    let mut rows = Vec::new();
    let options =
        ReadOptions { header_line: HeaderLine::new(u64::from(header_line)), ..ReadOptions::default() };
    let mut reader = match CsvReader::open(source, limits, &options).await {
        Ok(reader) => reader,
        Err(error) => return (rows, Some(error.to_string())),
    };
    let mut record = Record::new();
    loop {
        match reader.next_row(&mut record).await {
            Ok(Some(row)) => rows.push(format!("{row:?} {record:?}")),
            Ok(None) => return (rows, None),
            Err(error) => return (rows, Some(error.to_string())),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[size, header_line], bytes)) = data.split_first_chunk::<2>() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
    let (whole, error) = runtime.block_on(read(bytes, usize::MAX, header_line));
    let (pieces, other_error) = runtime.block_on(read(bytes, usize::from(size).max(1), header_line));
    // Other encodings are converted a buffer ahead, so their errors may be found earlier.
    if error.is_none() {
        assert_eq!(whole, pieces);
    }
    assert_eq!(error.is_some(), other_error.is_some());
});
