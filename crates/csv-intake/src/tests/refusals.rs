//! What is refused, with which line, and what it costs to find out.

use std::io;
use std::sync::atomic::Ordering;

use csv_async::StringRecord;
use tokio::io::AsyncReadExt;

use super::support::*;
use crate::{CsvError, CsvReader, ReadLimits};

#[tokio::test]
async fn files_without_a_header_are_empty() {
    let blank_utf16 = utf16_le("\u{feff}\r\n\r\n");
    for bytes in
        [&b""[..], b"\n", b"\r\n\r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n", b"\xff\xfe", &blank_utf16]
    {
        assert!(matches!(refusal(bytes).await, CsvError::Empty), "{bytes:?}");
        assert!(matches!(refusal(gzip(bytes).await).await, CsvError::Empty), "{bytes:?}");
    }
}

#[tokio::test]
async fn invalid_utf8_is_told_with_its_line() {
    for (bytes, expected) in [
        (&b"a\xff,b\n1,2\n"[..], 1),
        (b"a,b\n1,2\n\n3,\xc3\n", 4),
        (b"a,b\r\n\"1\n2\",\"x\r\n\xe4\"\r\n", 4),
        (b"a,b\n1,2\n3,4\xf0\x9f", 3),
    ] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::NotText { line } if line == expected), "{error:?} for {bytes:?}");
    }
}

#[tokio::test]
async fn invalid_utf16_is_told_with_its_line() {
    let text = utf16_le("\u{feff}a;b\r\n1;2\r\n");
    let lone_surrogate = [&text[..], &[0x00, 0xd8, 0x41, 0x00]].concat();
    let half_a_unit = [&text[..], &[0x41]].concat();
    for bytes in [lone_surrogate, half_a_unit] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::NotText { line: 3 }), "{error:?}");
    }
}

#[tokio::test]
async fn a_binary_file_or_utf16_without_mark_is_not_text() {
    let zip = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00word";
    for bytes in [&zip[..], &utf16_le("\nemail,name\n"), &utf16_be("email\n"), b"\xff\xfe\0\0e\0\0\0"] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::NotText { .. }), "{error:?} for {bytes:?}");
        assert!(error.is_file_fault());
    }
}

#[tokio::test]
async fn a_quote_that_is_never_closed_is_told_with_the_line_where_the_row_begins() {
    for (text, expected) in [
        ("\"a,b\n1,2\n", 1),
        ("a,b\n1,2\n\n3,\"4\n5,6\n", 4),
        ("a\n1\n\"", 3),
        ("a\n\"1\"\"", 2),
        ("a\n\"1\r\n\r\n", 2),
    ] {
        let error = refusal(text).await;
        assert!(
            matches!(error, CsvError::UnterminatedQuote { line } if line == expected),
            "{error:?} for {text:?}"
        );
    }
}

#[tokio::test]
async fn a_closed_quote_at_the_end_of_the_file_is_fine() {
    assert_eq!(rows("a\n\"1\"").await, [row(1, 2, &["1"])]);
    assert_eq!(rows("a\n\"1\n\"").await, [row(1, 2, &["1\n"])]);
}

#[tokio::test]
async fn an_endless_quoted_record_fails_before_it_fills_the_memory() {
    for (start, repeated, expected) in [
        ("a,b\n1,2\n\n3,\"4", "x\n", 4),
        ("\"a", "x,;", 1),
        ("a\n", "x", 2),
        ("a\n", ",", 2),
        ("a;b", "\"", 1),
    ] {
        let (source, taken) = Endless::new(start, repeated);
        let error = read(source, LIMITS).await.error.unwrap();
        assert!(
            matches!(error, CsvError::RecordTooLong { line, .. } if line == expected),
            "{error:?} for {start:?} and {repeated:?}"
        );
        let limit = LIMITS.max_record_bytes as u64;
        assert!(taken.load(Ordering::Relaxed) < limit + limit / 2);
    }
}

#[tokio::test]
async fn a_record_may_be_as_long_as_the_limit_and_no_longer() {
    let limits = ReadLimits { max_record_bytes: 10, ..LIMITS };
    for (text, is_accepted) in [
        ("a\r\r\n123456789\n1", true),
        ("a\n\"1\"\"2345\"\n", true),
        ("a\n\"1\"\"23456\"\n", false),
        ("a\n1234567890\n1", false),
    ] {
        for size in [1, 3, 100] {
            let error = read(Pieces::new(text, &[size]), limits).await.error;
            match error {
                None => assert!(is_accepted, "{text:?} in pieces of {size}"),
                Some(CsvError::RecordTooLong { line: 2, limit_bytes: 10 }) => {
                    assert!(!is_accepted, "{text:?}");
                }
                Some(other) => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn more_rows_than_allowed_are_refused_after_the_last_allowed_one() {
    let limits = ReadLimits { max_rows: 2, ..LIMITS };
    assert!(read(&b"a\n1\n2\n"[..], limits).await.error.is_none());
    let contents = read(&b"a\n1\n2\n3\n"[..], limits).await;
    assert_eq!(contents.rows.len(), 2);
    assert!(matches!(contents.error, Some(CsvError::TooManyRows { limit: 2 })));
}

#[tokio::test]
async fn a_gzip_bomb_stops_at_the_limit() {
    let limits = ReadLimits { max_decoded_bytes: 1 << 20, ..LIMITS };
    for repeated in ["some@example.com\n", "\n", "\r\n"] {
        let (endless, _) = Endless::new("email\n", repeated);
        let bomb = gzip(endless.take(8 << 20)).await;
        assert!(bomb.len() < 1 << 20);
        let contents = read(io::Cursor::new(bomb), limits).await;
        assert!(
            matches!(contents.error, Some(CsvError::TooManyBytes { limit_bytes }) if limit_bytes == 1 << 20)
        );
        assert!(contents.rows.len() < (1 << 20) / repeated.len());
    }
}

#[tokio::test]
async fn a_packed_file_that_repeats_itself_without_end_is_refused_long_before_its_end() {
    let (endless, _) = Endless::new("email\n", "some@example.com\n");
    let bomb = gzip(endless.take(64 << 20)).await;
    let contents = read(io::Cursor::new(bomb), LIMITS).await;
    assert!(matches!(contents.error, Some(CsvError::TooDense { limit: 100 })), "{:?}", contents.error);
    assert!(contents.rows.len() < (32 << 20) / "some@example.com\n".len());
}

#[tokio::test]
async fn blank_lines_before_the_header_count_as_bytes() {
    let limits = ReadLimits { max_decoded_bytes: 100_000, ..LIMITS };
    let (source, taken) = Endless::new("", "\r\n");
    assert!(matches!(read(source, limits).await.error, Some(CsvError::TooManyBytes { .. })));
    assert!(taken.load(Ordering::Relaxed) < 200_000);
}

#[tokio::test]
async fn exactly_as_many_bytes_as_allowed_are_read() {
    let limits = ReadLimits { max_decoded_bytes: 4, ..LIMITS };
    assert!(read(&b"a\n1\n"[..], limits).await.error.is_none());
    assert!(matches!(
        read(&b"a\n1\n\n"[..], limits).await.error,
        Some(CsvError::TooManyBytes { limit_bytes: 4 })
    ));
}

#[tokio::test]
async fn a_damaged_gzip_file_is_refused_wherever_the_damage_is() {
    let good = gzip(&b"email,name\n1,2\n3,4\n"[..]).await;
    for length in 2..good.len() {
        let error = refusal(&good[..length]).await;
        assert!(matches!(error, CsvError::BadGzip(_)), "{error:?} after {length} bytes");
        assert!(error.is_file_fault());
    }
    let mut wrong_checksum = good.clone();
    wrong_checksum[good.len() - 8] ^= 1;
    let trailing_garbage = [&good[..], b"garbage"].concat();
    let cut_second_stream = [&good[..], &good[..good.len() - 1]].concat();
    for bytes in [wrong_checksum, trailing_garbage, cut_second_stream] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::BadGzip(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_failing_source_is_not_the_files_fault() {
    let text = b"email,name\n1,2\n";
    let utf16 = utf16_le("\u{feff}email,name\n1,2\n");
    let compressed = gzip(&text[..]).await;
    for bytes in [&b""[..], b"\x1f", text, &utf16, &compressed, &compressed[..12]] {
        for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData]
        {
            let source = Pieces::new(bytes, &[7]).then_fail(kind.into());
            let error = read(source, LIMITS).await.error.unwrap();
            assert!(!error.is_file_fault());
            assert!(matches!(error, CsvError::Io(inner) if inner.kind() == kind), "{bytes:?}");
        }
    }
}

#[tokio::test]
async fn after_a_failure_there_is_no_quiet_end() {
    let source = Pieces::new("a\n1\n2", &[100]).then_fail(io::ErrorKind::ConnectionReset.into());
    let limits = ReadLimits { max_rows: 1, ..LIMITS };
    let too_many = Pieces::new("a\n1\n2\n3\n", &[100]);
    for source in [source, too_many] {
        let mut reader = CsvReader::open(source, limits).await.unwrap();
        let mut record = StringRecord::new();
        assert!(reader.next_row(&mut record).await.unwrap().is_some());
        for _ in 0..3 {
            assert!(reader.next_row(&mut record).await.is_err());
        }
    }
}

#[tokio::test]
async fn after_an_abandoned_read_there_is_no_half_row() {
    let mut reader = CsvReader::open(Pieces::new("a\n12345678\n", &[3]), LIMITS).await.unwrap();
    let mut record = StringRecord::new();
    // Polled once: the source has something ready only at every second poll.
    tokio::select! {
        biased;
        _ = reader.next_row(&mut record) => panic!("the source was ready at once"),
        () = async {} => {}
    }
    assert!(matches!(reader.next_row(&mut record).await, Err(CsvError::Io(_))));
}
