//! Headers on a line that was named, below lines that are no part of the table.

use super::support::*;
use crate::{CsvError, CsvReader, Delimiter, FileKind, HeaderLine, HeaderLineFault, ReadLimits, ReadOptions};

fn from(line: u64) -> ReadOptions {
    ReadOptions { header_line: HeaderLine::new(line), ..ReadOptions::default() }
}

async fn read_from(line: u64, bytes: impl Into<Vec<u8>>) -> Contents {
    read_as(Pieces::new(bytes, &[5, 1, 64]), LIMITS, &from(line)).await
}

async fn refusal_from(line: u64, bytes: impl Into<Vec<u8>>) -> CsvError {
    read_from(line, bytes).await.error.expect("the file was not refused")
}

#[tokio::test]
async fn lines_above_the_header_are_left_out_and_counted_as_lines() {
    for end in ["\n", "\r\n", "\r"] {
        for above in
            ["Customers 2026|made on 1 May, by Ada", "|", "\"open,\"x|a;b;c", "M\u{fc}ller \u{feff}|;;;"]
        {
            let text = format!("{above}|a;b|1,1;2||3;4|").replace('|', end);
            for bytes in [
                text.as_bytes().to_vec(),
                format!("\u{feff}{text}").into_bytes(),
                utf16_le(&format!("\u{feff}{text}")),
            ] {
                let contents = read_from(3, bytes.clone()).await;
                assert!(contents.error.is_none(), "{:?} {text:?}", contents.error);
                assert_eq!(
                    (contents.header, contents.header_line),
                    (vec!["a".to_owned(), "b".to_owned()], 3)
                );
                assert_eq!(contents.rows, [row(1, 4, &["1,1", "2"]), row(2, 6, &["3", "4"])], "{text:?}");
                assert_eq!(read_from(3, gzip(&bytes[..]).await).await.rows, contents.rows);
            }
        }
    }
}

#[tokio::test]
async fn lines_inside_quotes_are_lines_above_a_header_too() {
    let text = "\"Customers\nof the year\"\n\"a\nx\",b\n1,2\n";
    let contents = read_from(3, text).await;
    assert_eq!((contents.header, contents.header_line), (vec!["a\nx".to_owned(), "b".to_owned()], 3));
    assert_eq!(contents.rows, [row(1, 5, &["1", "2"])]);
}

#[tokio::test]
async fn the_bytes_above_a_header_may_be_anything() {
    let long = "x\"".repeat(LIMITS.max_record_bytes);
    for above in [&b"M\xfcller\0\xff"[..], long.as_bytes()] {
        let text = [above, b"\na,b\n1,2\n"].concat();
        let contents = read_as(std::io::Cursor::new(text), LIMITS, &from(2)).await;
        assert!(contents.error.is_none(), "{:?}", contents.error);
        assert_eq!(contents.rows, [row(1, 3, &["1", "2"])]);
    }
}

#[tokio::test]
async fn excels_line_above_a_named_header_decides_the_delimiter() {
    for text in ["sep=;\na,x;b\n1;2\n", "\u{feff}\"sep=;\"\r\na,x;b\r\n1;2\r\n"] {
        let reader = CsvReader::open(Pieces::new(text, &[1]), LIMITS, &from(2)).await.unwrap();
        assert_eq!(
            (reader.delimiter(), reader.header()),
            (Delimiter::Semicolon, &["a,x".to_owned(), "b".to_owned()][..])
        );
        assert_eq!(reader.used_options().header_line, HeaderLine::new(2));
    }
    let below = read_from(4, "\nsep=;\nTitle\na,x;b\n1;2\n").await;
    assert_eq!(below.header, ["a,x", "b"]);
    let no_first_line = read_from(3, "Title\nsep=;\na,b\n1,2\n").await;
    assert_eq!(no_first_line.header, ["a", "b"]);
    let given = ReadOptions { delimiter: Some(Delimiter::Comma), ..from(2) };
    assert_eq!(read_as(Pieces::new("sep=;\na,b\n1,2\n", &[3]), LIMITS, &given).await.header, ["a", "b"]);
}

#[tokio::test]
async fn a_line_without_a_header_is_refused_with_the_repair() {
    for (line, text, expected) in [
        (4, "Title\na,b\n1,2\n", HeaderLineFault::BeyondEnd),
        (4, "Title\na,b\n1,2", HeaderLineFault::BeyondEnd),
        (9, "", HeaderLineFault::BeyondEnd),
        (2, "Title", HeaderLineFault::BeyondEnd),
        (2, "Title\n\na,b\n", HeaderLineFault::Blank),
        (2, "Title\n;;;\na;b\n", HeaderLineFault::Blank),
        (2, "Title\n\"\",\" \"\na,b\n", HeaderLineFault::Blank),
        (2, "sep=;\n\na;b\n", HeaderLineFault::Blank),
        (1, "sep=;\na;b\n", HeaderLineFault::Separator),
    ] {
        let error = refusal_from(line, text).await;
        assert!(error.is_file_fault());
        let said = error.to_string();
        assert!(said.contains(&format!("line {line}")) && said.contains("`headerLine`"), "{said}");
        assert!(
            matches!(error, CsvError::HeaderLine { line: found, fault } if (found, fault) == (line, expected)),
            "{error:?} for {text:?}"
        );
    }
    assert!(matches!(refusal_from(1, "").await, CsvError::Empty));
}

#[tokio::test]
async fn the_start_of_a_file_may_end_before_its_header() {
    let limits = ReadLimits { is_cut: true, ..LIMITS };
    for text in ["Title\nmore", "Title\nmore\n", "Title\nmore\na,\"b"] {
        let error = read_as(Pieces::new(text, &[4]), limits, &from(3)).await.error;
        assert!(
            matches!(error, Some(CsvError::HeaderLine { line: 3, fault: HeaderLineFault::BeyondStart })),
            "{error:?} for {text:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_table_is_called_by_its_kind_with_a_header_line_too() {
    for (text, kind) in
        [("\n<!DOCTYPE html>\n<html>\na,b\n", FileKind::WebPage), ("[\n\n\na,b\n", FileKind::Json)]
    {
        let error = refusal_from(4, text).await;
        assert!(matches!(error, CsvError::NotCsv(found) if found == kind), "{error:?}");
    }
    assert!(matches!(refusal_from(2, "sep=:\na:b\n").await, CsvError::UnknownSeparator { line: 1 }));
}
