//! Test sources that behave like networks and disks, and shortcuts for reading a whole file.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_compression::tokio::bufread::GzipEncoder;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader, ReadBuf};

use crate::{CsvError, CsvReader, ReadLimits, ReadOptions, Record};

pub(crate) const LIMITS: ReadLimits =
    ReadLimits { max_rows: 1_000_000, max_decoded_bytes: 1 << 30, max_record_bytes: 1 << 20, is_cut: false };

/// Returns its bytes in pieces of the given sizes, cyclically, and is pending before each; then fails or ends.
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    position: usize,
    sizes: Vec<usize>,
    turn: usize,
    is_ready: bool,
    failure: Option<io::Error>,
}

impl Pieces {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>, sizes: &[usize]) -> Self {
        let sizes = sizes.to_vec();
        Pieces { bytes: bytes.into(), position: 0, sizes, turn: 0, is_ready: false, failure: None }
    }

    pub(crate) fn then_fail(mut self, error: io::Error) -> Self {
        self.failure = Some(error);
        self
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let left = self.bytes.len() - self.position;
        if left == 0 {
            return Poll::Ready(self.failure.take().map_or(Ok(()), Err));
        }
        let size = self.sizes[self.turn % self.sizes.len()].min(left).min(buffer.remaining());
        buffer.put_slice(&self.bytes[self.position..self.position + size]);
        self.position += size;
        self.turn += 1;
        Poll::Ready(Ok(()))
    }
}

/// Returns `start` and then `repeated` without end, and counts the bytes read.
pub(crate) struct Endless {
    start: Vec<u8>,
    repeated: Vec<u8>,
    taken: Arc<AtomicU64>,
}

impl Endless {
    pub(crate) fn new(start: &str, repeated: &str) -> (Self, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        let source = Endless {
            start: start.as_bytes().to_vec(),
            repeated: repeated.as_bytes().repeat(1024),
            taken: Arc::clone(&taken),
        };
        (source, taken)
    }
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The part of the repetition that does not fit is dropped, since it may be cut anywhere.
        let piece = if self.start.is_empty() { &self.repeated } else { &self.start };
        let size = piece.len().min(buffer.remaining());
        buffer.put_slice(&piece[..size]);
        let left = self.start.len();
        self.start.drain(..size.min(left));
        self.taken.fetch_add(size as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

/// A data row: its number, its line, its cells.
pub(crate) type Cells = (u64, u64, Vec<String>);

/// Everything that a reader returns for a file.
#[derive(Debug)]
pub(crate) struct Contents {
    pub header: Vec<String>,
    /// Line of the header; 0 if there is none.
    pub header_line: u64,
    pub rows: Vec<Cells>,
    /// The fault of each malformed row.
    pub faults: Vec<String>,
    /// The error that ended reading, if any.
    pub error: Option<CsvError>,
}

pub(crate) async fn read<R>(source: R, limits: ReadLimits) -> Contents
where
    R: AsyncRead + Send + Unpin + 'static,
{
    read_as(source, limits, &ReadOptions::default()).await
}

pub(crate) async fn read_as<R>(source: R, limits: ReadLimits, options: &ReadOptions) -> Contents
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let mut contents =
        Contents { header: Vec::new(), header_line: 0, rows: Vec::new(), faults: Vec::new(), error: None };
    let mut reader = match CsvReader::open(source, limits, options).await {
        Ok(reader) => reader,
        Err(error) => return Contents { error: Some(error), ..contents },
    };
    contents.header = reader.header().to_vec();
    contents.header_line = reader.header_line();
    let mut record = Record::new();
    loop {
        match reader.next_row(&mut record).await {
            Ok(Some(row)) => {
                contents.rows.push((row.number, row.line, record.iter().map(str::to_owned).collect()));
                contents.faults.extend(row.fault.map(|fault| fault.sentence(row.line)));
                assert!(row.fault.is_some() || record.len() == contents.header.len());
            }
            Ok(None) => return contents,
            Err(error) => return Contents { error: Some(error), ..contents },
        }
    }
}

pub(crate) async fn read_bytes(bytes: impl Into<Vec<u8>>) -> Contents {
    read(Pieces::new(bytes, &[5, 1, 64]), LIMITS).await
}

/// The rows of a file that must be readable to its end.
pub(crate) async fn rows(bytes: impl Into<Vec<u8>>) -> Vec<Cells> {
    let contents = read_bytes(bytes).await;
    assert!(contents.error.is_none(), "{:?}", contents.error);
    contents.rows
}

/// The error of a file that must not be readable to its end.
pub(crate) async fn refusal(bytes: impl Into<Vec<u8>>) -> CsvError {
    read_bytes(bytes).await.error.expect("the file was not refused")
}

pub(crate) fn row(number: u64, line: u64, fields: &[&str]) -> Cells {
    (number, line, fields.iter().map(|field| (*field).to_owned()).collect())
}

pub(crate) async fn gzip(bytes: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut compressed = Vec::new();
    GzipEncoder::new(BufReader::new(bytes)).read_to_end(&mut compressed).await.unwrap();
    compressed
}

pub(crate) fn utf16_le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn utf16_be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
