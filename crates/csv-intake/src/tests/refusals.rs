//! Refused files: the line in the error, and the cost of detecting it.

use std::io;
use std::sync::atomic::Ordering;

use tokio::io::AsyncReadExt;

use super::support::*;
use crate::{CsvError, CsvReader, FileKind, ReadLimits, ReadOptions, Record, TextEncoding};

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
        assert!(
            matches!(error, CsvError::NotText { line, .. } if line == expected),
            "{error:?} for {bytes:?}"
        );
    }
}

#[tokio::test]
async fn invalid_utf16_is_told_with_its_line() {
    let text = utf16_le("\u{feff}a;b\r\n1;2\r\n");
    let lone_surrogate = [&text[..], &[0x00, 0xd8, 0x41, 0x00]].concat();
    let half_a_unit = [&text[..], &[0x41]].concat();
    for bytes in [lone_surrogate, half_a_unit] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::NotText { line: 3, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn utf16_without_mark_is_not_text() {
    for bytes in [&utf16_le("\nemail,name\n")[..], &utf16_be("email\n"), b"\xff\xfe\0\0e\0\0\0"] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::NotText { .. }), "{error:?} for {bytes:?}");
        assert!(error.is_file_fault());
    }
}

#[tokio::test]
async fn an_encoding_is_guessed_for_the_message_and_never_used() {
    let windows = b"name,email\nAnn,a@b.c\nJ\xfcrgen M\xfcller,j@b.c\n";
    let error = refusal(&windows[..]).await;
    assert_eq!(
        error.to_string(),
        "line 3 is not valid UTF-8; the file looks like windows-1252: send it with encoding=windows-1252, or save the \
         file as UTF-8 and upload it again"
    );
    let error = refusal(utf16_le("email,name\na@b.c,A\n")).await;
    assert!(error.to_string().contains("encoding=utf-16le"), "{error}");
    let options = ReadOptions { encoding: TextEncoding::parse("utf-8"), ..ReadOptions::default() };
    let error = read_as(&windows[..], LIMITS, &options).await.error.unwrap();
    assert!(
        error
            .to_string()
            .contains("not valid UTF-8, the encoding named for this file; it looks like windows-1252"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_table_is_called_by_its_kind() {
    let workbook = [&b"PK\x03\x04"[..], &[0; 26], b"[Content_Types].xml"].concat();
    for (bytes, kind) in [
        (&workbook[..], FileKind::Workbook),
        (b"PK\x05\x06", FileKind::Zip),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", FileKind::OldWorkbook),
        (b"%PDF-1.7\n", FileKind::Pdf),
        (b"\n<!DOCTYPE html>\n<html>", FileKind::WebPage),
        (b"[\n{\"email\":\"a@b.c\"}]", FileKind::Json),
    ] {
        let error = refusal(bytes).await;
        assert!(matches!(error, CsvError::NotCsv(found) if found == kind), "{error:?} for {kind:?}");
        assert!(error.is_file_fault());
    }
    let twice = gzip(&gzip(&b"a\n1\n"[..]).await[..]).await;
    assert!(matches!(refusal(twice).await, CsvError::NotCsv(FileKind::GzipInGzip)));
}

#[tokio::test]
async fn quotes_of_the_header_that_do_not_fit_refuse_the_file() {
    for (text, expected) in [("\"a,b\n1,2\n", 1), ("\n\na,\"b\"c\n", 3)] {
        let error = refusal(text).await;
        assert!(
            matches!(error, CsvError::HeaderQuotes { line, .. } if line == expected),
            "{error:?} for {text:?}"
        );
    }
}

#[tokio::test]
async fn a_row_whose_quotes_do_not_fit_takes_no_other_row_with_it() {
    for (text, line, fault) in [
        ("a,b\n1,\"2\n3,4\n", 2, "line 2 opens a quote in column 2 that is not closed"),
        ("a,b\n1,\"2\n3,\"4\",5\n3,4\n", 2, "line 2 opens a quote in column 2 that is not closed"),
        ("a,b\r\n\r\n\"1\"x,2\r\n3,4\r\n", 3, "line 3 closes a quote in column 1 before the value ends"),
        ("a,b\r3,4\r\"1\" ,2", 3, "line 3 closes a quote in column 1 before the value ends"),
        ("a,b\n3,4\n5,\"6\"\"", 3, "line 3 opens a quote in column 2 that is not closed"),
    ] {
        let contents = read_bytes(text).await;
        assert!(contents.error.is_none(), "{:?}", contents.error);
        assert!(contents.faults[0].starts_with(fault), "{:?}", contents.faults);
        assert!(contents.rows.iter().any(|(_, at, _)| *at == line));
        assert!(
            contents.rows.iter().any(|(_, _, cells)| *cells == ["3", "4"]),
            "{text:?}: {:?}",
            contents.rows
        );
    }
    let rows =
        read_bytes("email,name,age\r\na@b.c,\"Ann,31\r\nb@b.c,Ben,32\r\nc@b.c,\"Cy\",33\r\nd@b.c,Di,34\r\n")
            .await
            .rows;
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0], row(1, 2, &["a@b.c", "\"Ann", "31"]));
    assert_eq!(rows[2], row(3, 4, &["c@b.c", "Cy", "33"]));
}

#[tokio::test]
async fn many_open_quotes_cost_no_more_than_their_bytes() {
    // Each line opens a quote that the next one does not close. Scanning up to the limit from each line would read
    // about 10^10 bytes.
    let text = format!("a,b,c\n{}", "x\",y,\"z\n".repeat(50_000));
    let contents = read(io::Cursor::new(text), LIMITS).await;
    assert_eq!((contents.rows.len(), contents.faults.len()), (50_000, 50_000));
}

#[tokio::test]
async fn a_closed_quote_at_the_end_of_the_file_is_fine() {
    assert_eq!(rows("a\n\"1\"").await, [row(1, 2, &["1"])]);
    assert_eq!(rows("a\n\"1\n\"").await, [row(1, 2, &["1\n"])]);
}

#[tokio::test]
async fn an_endless_header_fails_before_it_fills_the_memory() {
    for (start, repeated) in [("\"a", "x,;"), ("", "x"), ("", ",x"), ("a;b", "\"")] {
        let (source, taken) = Endless::new(start, repeated);
        let error = read(source, LIMITS).await.error.unwrap();
        assert!(
            matches!(error, CsvError::HeaderTooLong { line: 1, .. } | CsvError::HeaderQuotes { line: 1, .. }),
            "{error:?} for {start:?} and {repeated:?}"
        );
        let limit = LIMITS.max_record_bytes as u64;
        assert!(taken.load(Ordering::Relaxed) < limit + limit / 2);
    }
}

#[tokio::test]
async fn a_row_that_is_too_long_fails_alone() {
    let limits = ReadLimits { max_record_bytes: 100, ..LIMITS };
    let (long, many) = ("x".repeat(101), "x\n".repeat(60));
    for (text, lines, fault) in [
        (format!("a\n{long}\n1\n"), 2, "the row that begins on line 2 is longer than 100 bytes"),
        (format!("a\r\n{long}{long}\r\n1\r\n"), 2, "the row that begins on line 2 is longer than 100 bytes"),
        (format!("a\n\"{long}\"\n1\n"), 2, "the row that begins on line 2 is longer than 100 bytes"),
        (format!("a\n1\n{long}"), 2, "the row that begins on line 3 is longer than 100 bytes"),
        (format!("a\n\"{many}\"\n1\n"), 62, "line 2 opens a quote in column 1 that is not closed"),
    ] {
        for size in [1, 7, 1000] {
            let contents = read(Pieces::new(text.clone(), &[size]), limits).await;
            assert!(contents.error.is_none(), "{:?}", contents.error);
            assert!(contents.faults[0].starts_with(fault), "{:?}", contents.faults);
            assert_eq!(contents.rows.len(), lines, "{text:?}: {:?}", contents.rows);
            assert!(contents.rows.iter().any(|(_, _, cells)| *cells == ["1"]));
        }
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
        ("a\n1234567890", true),
        ("a\n12345678901", false),
    ] {
        for size in [1, 3, 100] {
            let contents = read(Pieces::new(text, &[size]), limits).await;
            assert_eq!(contents.faults.is_empty(), is_accepted, "{text:?} in pieces of {size}");
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
    let source = Pieces::new("address\n1\n2", &[100]).then_fail(io::ErrorKind::ConnectionReset.into());
    let limits = ReadLimits { max_rows: 1, ..LIMITS };
    let too_many = Pieces::new("address\n1\n2\n3\n", &[100]);
    for source in [source, too_many] {
        let mut reader = CsvReader::open(source, limits, &ReadOptions::default()).await.unwrap();
        let mut record = Record::new();
        assert!(reader.next_row(&mut record).await.unwrap().is_some());
        for _ in 0..3 {
            assert!(reader.next_row(&mut record).await.is_err());
        }
    }
}

#[tokio::test]
async fn an_abandoned_read_takes_nothing() {
    let source = Pieces::new("a\n12345678\n", &[3]);
    let mut reader = CsvReader::open(source, LIMITS, &ReadOptions::default()).await.unwrap();
    let mut record = Record::new();
    // Polled once: the source is ready only at every second poll.
    tokio::select! {
        biased;
        _ = reader.next_row(&mut record) => panic!("the source was ready at once"),
        () = async {} => {}
    }
    assert!(reader.next_row(&mut record).await.unwrap().is_some());
    assert_eq!(record.get(0), Some("12345678"));
}
