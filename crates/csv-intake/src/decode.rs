//! Decodes uploaded bytes to UTF-8 text: gunzips, recognises files that are not text, removes the byte order mark,
//! converts other encodings, limits the decoded size. The reader checks UTF-8 itself record by record, where the line
//! is known.

use std::io::{self, Cursor};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::GzipDecoder;
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader, ReadBuf};

use super::CsvError;
use super::dialect::TextEncoding;
use super::kind::{FileKind, KIND_BYTES};
use super::lines::LineEnds;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Sufficient for a byte order mark and for every kind of [`FileKind::of_bytes`] outside zip archives. Not more, so
/// that the header can be examined as soon as it arrives.
const LONGEST_MAGIC_BYTES: u64 = 8;
const COMPRESSED_BUFFER_BYTES: usize = 64 * 1024;
const CONVERTED_PIECE_BYTES: usize = 16 * 1024;
/// Maximum expansion of gzip; real files expand 5 to 30 times. A file that expands more is refused, since unpacking it
/// costs the sender nothing and the service much.
const MAX_RATIO: u64 = 100;
/// Below this size the expansion is not limited.
const RATIO_COUNTS_FROM_BYTES: u64 = 16 * 1024 * 1024;
/// Amount of text after which other tasks get a turn on the thread, even if more is available.
const STRETCH_BYTES: u64 = 512 * 1024;

/// Options of decoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoding {
    pub max_decoded_bytes: u64,
    pub encoding: Option<TextEncoding>,
    /// True if the source is only the start of a file and may end anywhere.
    pub is_cut: bool,
}

/// A layer of reading. It is called once per buffer, so dynamic dispatch costs nothing per row.
pub(super) type BoxRead = Box<dyn AsyncRead + Send + Unpin>;

/// A decoded file.
pub(super) struct Decoded {
    /// The text without byte order mark. It is UTF-8, unless the file was declared as UTF-8 and is not.
    pub text: BoxRead,
    pub encoding: TextEncoding,
}

/// Decodes `source`. A byte order mark takes precedence over `encoding`, because it does not occur by accident.
pub(super) async fn decode<R>(source: R, how: &Decoding) -> io::Result<Decoded>
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let packed_bytes = Arc::new(AtomicU64::new(0));
    let source = NameErrors { inner: source, name: CsvError::Io, is_cut: false };
    let source = Box::new(CountBytes { inner: source, count: packed_bytes.clone() });
    // Gzip is recognised by its content, not by name or media type.
    let (magic, source) = peek(source, GZIP_MAGIC.len() as u64).await?;
    let is_gzip = magic == GZIP_MAGIC;
    let bytes = if is_gzip { gunzip(source, how.is_cut) } else { source };
    let limit = how.max_decoded_bytes;
    let bytes = Box::new(LimitBytes { inner: bytes, decoded: 0, limit, packed_bytes, stretch: 0 });

    let (mut start, bytes) = take_head(bytes, LONGEST_MAGIC_BYTES).await?;
    if is_gzip && start.starts_with(&GZIP_MAGIC) {
        return Err(CsvError::NotCsv(FileKind::GzipInGzip).into_io());
    }
    if let Some(kind) = FileKind::of_bytes(&start) {
        return Err(CsvError::NotCsv(whole_kind(kind, start, bytes).await?).into_io());
    }
    let named = how.encoding.unwrap_or(TextEncoding::UTF_8).get();
    let (encoding, mark_bytes) = Encoding::for_bom(&start).unwrap_or((named, 0));
    start.drain(..mark_bytes);
    let text = put_back(start, bytes);
    let text: BoxRead =
        if encoding == UTF_8 { text } else { Box::new(ConvertedText::new(text, encoding, how)) };
    Ok(Decoded { text, encoding: TextEncoding::of(encoding) })
}

/// Distinguishes kinds of file that all start like a zip archive.
async fn whole_kind(kind: FileKind, start: Vec<u8>, bytes: BoxRead) -> io::Result<FileKind> {
    if kind != FileKind::Zip {
        return Ok(kind);
    }
    let (head, _) = take_head(put_back(start, bytes), KIND_BYTES as u64).await?;
    Ok(FileKind::of_bytes(&head).unwrap_or(kind))
}

fn gunzip(source: BoxRead, is_cut: bool) -> BoxRead {
    let mut decoder = GzipDecoder::new(BufReader::with_capacity(COMPRESSED_BUFFER_BYTES, source));
    // A gzip file may consist of several streams. This also detects trailing bytes that are not gzip.
    decoder.multiple_members(true);
    Box::new(NameErrors { inner: decoder, name: CsvError::BadGzip, is_cut })
}

/// The first `length` bytes (fewer if the source is shorter), and a reader that still starts with them.
async fn peek(source: BoxRead, length: u64) -> io::Result<(Vec<u8>, BoxRead)> {
    let (head, rest) = take_head(source, length).await?;
    Ok((head.clone(), put_back(head, rest)))
}

async fn take_head(mut source: BoxRead, length: u64) -> io::Result<(Vec<u8>, BoxRead)> {
    let mut head = Vec::new();
    (&mut source).take(length).read_to_end(&mut head).await?;
    Ok((head, source))
}

/// A reader of `head` and then `rest`.
fn put_back(head: Vec<u8>, rest: BoxRead) -> BoxRead {
    Box::new(Cursor::new(head).chain(rest))
}

/// Gives errors of `inner` their meaning at this layer. Errors that a lower layer has named are kept.
struct NameErrors<R> {
    inner: R,
    name: fn(io::Error) -> CsvError,
    /// An early end counts as the end.
    is_cut: bool,
}

impl<R: AsyncRead + Unpin> AsyncRead for NameErrors<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (name, is_cut) = (self.name, self.is_cut);
        match ready!(Pin::new(&mut self.inner).poll_read(context, buffer)) {
            Err(error) if is_cut && error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            outcome => Poll::Ready(outcome.map_err(|error| CsvError::from_io(error, name).into_io())),
        }
    }
}

/// Counts the bytes read from `inner`.
struct CountBytes<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: AsyncRead + Unpin> AsyncRead for CountBytes<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled_before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.count.fetch_add((buffer.filled().len() - filled_before) as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

/// Fails after more than `limit` bytes, or after too many for the packed size: a small gzip file can be terabytes long.
/// Yields after every stretch, since otherwise a reader with all input available would occupy its thread for seconds.
struct LimitBytes<R> {
    inner: R,
    decoded: u64,
    limit: u64,
    packed_bytes: Arc<AtomicU64>,
    /// Bytes since the last yield.
    stretch: u64,
}

impl<R: AsyncRead + Unpin> AsyncRead for LimitBytes<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stretch >= STRETCH_BYTES {
            self.stretch = 0;
            // Woken at once: this only gives other tasks a turn.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let filled_before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let length = (buffer.filled().len() - filled_before) as u64;
        self.stretch += length;
        self.decoded += length;
        if self.decoded > self.limit {
            return Poll::Ready(Err(CsvError::TooManyBytes { limit_bytes: self.limit }.into_io()));
        }
        let packed_bytes = self.packed_bytes.load(Ordering::Relaxed);
        if self.decoded > RATIO_COUNTS_FROM_BYTES && self.decoded / MAX_RATIO > packed_bytes {
            return Poll::Ready(Err(CsvError::TooDense { limit: MAX_RATIO }.into_io()));
        }
        Poll::Ready(Ok(()))
    }
}

/// Converts another encoding to UTF-8.
struct ConvertedText {
    inner: BoxRead,
    decoder: Decoder,
    input: Box<[u8]>,
    output: Vec<u8>,
    /// Number of bytes of `output` already returned.
    handed_out: usize,
    lines: LineEnds,
    encoding: &'static Encoding,
    is_declared: bool,
    is_cut: bool,
    ended: bool,
    watch: Utf8Watch,
}

impl ConvertedText {
    fn new(inner: BoxRead, encoding: &'static Encoding, how: &Decoding) -> Self {
        ConvertedText {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; CONVERTED_PIECE_BYTES].into_boxed_slice(),
            output: Vec::new(),
            handed_out: 0,
            lines: LineEnds::default(),
            encoding,
            is_declared: how.encoding.map(TextEncoding::get) == Some(encoding),
            is_cut: how.is_cut,
            ended: false,
            watch: Utf8Watch::new(encoding),
        }
    }

    fn convert(&mut self, length: usize) -> Result<(), CsvError> {
        self.ended = length == 0;
        self.watch.see(&self.input[..length]);
        if self.ended && self.watch.is_utf8(self.is_cut) {
            return Err(CsvError::IsUtf8 { declared: TextEncoding::of(self.encoding) });
        }
        // At most three bytes of UTF-8 per byte, plus the rest of the previous piece.
        self.output.resize(self.input.len() * 3 + 16, 0);
        let (result, _, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[..length],
            &mut self.output,
            self.ended && !self.is_cut,
        );
        self.output.truncate(written);
        self.handed_out = 0;
        self.output.iter().for_each(|&byte| self.lines.see(byte));
        match result {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::OutputFull | DecoderResult::Malformed(..) => Err(CsvError::NotText {
                line: self.lines.count() + 1,
                declared: self.is_declared.then(|| TextEncoding::of(self.encoding)),
                likely: None,
            }),
        }
    }
}

/// Number of valid UTF-8 letters beyond ASCII that make it certain that a text is UTF-8. In a single-byte encoding hardly
/// any letter is valid UTF-8 by accident; in a wide one (two bytes per letter) a few are.
const CERTAIN_LETTERS: u64 = 1;
const CERTAIN_WIDE_LETTERS: u64 = 6;

/// Detects UTF-8 in a file that was declared to be in another encoding. This is the most common mistake: a UTF-8 file is
/// uploaded with the settings of an earlier file.
struct Utf8Watch {
    is_valid: bool,
    letters: u64,
    certain_letters: u64,
    /// The start of a character whose rest is still to come.
    torn: Vec<u8>,
}

impl Utf8Watch {
    fn new(encoding: &'static Encoding) -> Self {
        let is_wide = !encoding.is_single_byte();
        Utf8Watch {
            // In UTF-16 no text is valid UTF-8.
            is_valid: encoding != UTF_16LE && encoding != UTF_16BE,
            letters: 0,
            certain_letters: if is_wide { CERTAIN_WIDE_LETTERS } else { CERTAIN_LETTERS },
            torn: Vec::new(),
        }
    }

    fn see(&mut self, piece: &[u8]) {
        if !self.is_valid || (piece.is_ascii() && self.torn.is_empty()) {
            return;
        }
        self.torn.extend_from_slice(piece);
        let valid = match str::from_utf8(&self.torn) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => {
                self.is_valid = false;
                return;
            }
        };
        let is_first = |byte: &&u8| **byte >= 0xc0;
        self.letters += self.torn[..valid].iter().filter(is_first).count() as u64;
        self.torn.drain(..valid);
    }

    fn is_utf8(&self, is_cut: bool) -> bool {
        self.is_valid && (is_cut || self.torn.is_empty()) && self.letters >= self.certain_letters
    }
}

impl AsyncRead for ConvertedText {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let text = self.get_mut();
        // A piece of one byte may convert to nothing, which is not the end.
        while text.handed_out == text.output.len() && !text.ended {
            let mut input = ReadBuf::new(&mut text.input);
            ready!(Pin::new(&mut text.inner).poll_read(context, &mut input))?;
            let length = input.filled().len();
            text.convert(length).map_err(CsvError::into_io)?;
        }
        let length = buffer.remaining().min(text.output.len() - text.handed_out);
        buffer.put_slice(&text.output[text.handed_out..text.handed_out + length]);
        text.handed_out += length;
        Poll::Ready(Ok(()))
    }
}
