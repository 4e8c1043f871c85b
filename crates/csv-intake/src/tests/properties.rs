//! Property tests with random files: the written cells are read back, and nothing depends on how the bytes arrive.

use std::io;

use proptest::prelude::*;

use super::support::*;
use crate::scan::{Found, Scanner, View};
use crate::{Delimiter, HeaderLine, ReadLimits, ReadOptions, Record, is_blank};

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf8WithBom,
    Utf16Le,
    Utf16Be,
}

#[derive(Clone, Debug)]
struct Dialect {
    delimiter: u8,
    line_end: &'static str,
    quote_style: csv::QuoteStyle,
    final_line_end: bool,
    encoding: Encoding,
    is_gzipped: bool,
}

fn dialect() -> impl Strategy<Value = Dialect> {
    (
        prop::sample::select(vec![b',', b';', b'\t', b'|']),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        prop::sample::select(vec![csv::QuoteStyle::Always, csv::QuoteStyle::Necessary]),
        any::<bool>(),
        prop::sample::select(vec![
            Encoding::Utf8,
            Encoding::Utf8WithBom,
            Encoding::Utf16Le,
            Encoding::Utf16Be,
        ]),
        any::<bool>(),
    )
        .prop_map(|(delimiter, line_end, quote_style, final_line_end, encoding, is_gzipped)| Dialect {
            delimiter,
            line_end,
            quote_style,
            final_line_end,
            encoding,
            is_gzipped,
        })
}

/// Cells with everything that is special in CSV, and with general text. No lone CR, which inside quotes does not count
/// as a line, so that the expected lines are easy to compute.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c0-9]{0,6}",
        "([ab\",;|\t' \u{e4}\u{20ac}\u{1f600}\n]|\r\n){0,8}",
        "\\PC{0,12}",
        "[x]{200,300}",
    ]
}

#[derive(Clone, Debug)]
struct Line {
    cells: Vec<String>,
    blank_lines_before: usize,
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (prop::collection::vec(cell(), 3), prop_oneof![9 => Just(0usize), 1 => 1usize..4])
        .prop_map(|(cells, blank_lines_before)| Line { cells, blank_lines_before });
    prop::collection::vec(line, 0..15)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1usize..4, 1usize..200, Just(1usize << 20)], 1..8)
}

fn write_record(cells: &[String], dialect: &Dialect) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(dialect.delimiter)
        .quote_style(dialect.quote_style)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    writer.write_record(cells).unwrap();
    let mut text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    assert_eq!(text.pop(), Some('\n'));
    text
}

/// The text of a file, and the rows that must be read from it.
fn write_file(lines: &[Line], dialect: &Dialect) -> (String, Vec<Cells>) {
    let header = ["first", "second", "third"].map(str::to_owned);
    let mut text = write_record(&header, dialect);
    let mut rows = Vec::new();
    let mut line = 1;
    for Line { cells, blank_lines_before } in lines {
        text.push_str(&dialect.line_end.repeat(blank_lines_before + 1));
        line += 1 + *blank_lines_before as u64;
        if !cells.iter().all(|cell| is_blank(cell)) {
            rows.push((rows.len() as u64 + 1, line, cells.clone()));
        }
        let record = write_record(cells, dialect);
        line += record.matches('\n').count() as u64;
        text.push_str(&record);
    }
    if dialect.final_line_end {
        text.push_str(dialect.line_end);
    }
    (text, rows)
}

fn encode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8WithBom => format!("\u{feff}{text}").into_bytes(),
        Encoding::Utf16Le => utf16_le(&format!("\u{feff}{text}")),
        Encoding::Utf16Be => utf16_be(&format!("\u{feff}{text}")),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Ill-formed files, made of bytes that are special in CSV.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        12 => prop::sample::select(b"ab,;\t\"\"\r\n\n \0".to_vec()),
        1 => prop::sample::select(vec![0xff, 0xfe, 0xef, 0xbb, 0xbf, 0xc3, 0xa4, 0xd8, 0x1f, 0x8b]),
    ];
    prop::collection::vec(byte, 0..120)
}

/// Ill-formed tables of valid text.
fn hostile_text() -> impl Strategy<Value = String> {
    "([aab,;|\t\r\n \u{e4}]|\n|\"|\"\"|\",\"){0,80}"
}

/// The cells without empty ones at the end, which the reader omits.
fn bare(cells: &[String]) -> Vec<String> {
    let length = cells.iter().rposition(|cell| !is_blank(cell)).map_or(0, |last| last + 1);
    cells[..length].to_vec()
}

/// Before the header, a line consisting of one delimiter is blank, whichever delimiter it is.
fn without_blank_start(mut text: &str) -> &str {
    while let Some((line, rest)) = text.split_once(['\r', '\n']) {
        let mut visible = line.chars().filter(|char| !matches!(char, ' ' | '\t'));
        let first = visible.next();
        if !(first.is_none_or(|first| ",;|".contains(first)) && visible.all(|char| Some(char) == first)) {
            break;
        }
        text = rest;
    }
    text
}

fn parse_with_the_csv_crate(text: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text)
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(lines in lines(), dialect in dialect(), sizes in sizes()) {
        let (text, expected) = write_file(&lines, &dialect);
        let delimiter = Delimiter::of_byte(dialect.delimiter);
        let contents = block_on(async {
            let mut bytes = encode(&text, dialect.encoding);
            if dialect.is_gzipped {
                bytes = gzip(&bytes[..]).await;
            }
            read_as(Pieces::new(bytes, &sizes), LIMITS, &ReadOptions { delimiter, ..ReadOptions::default() }).await
        });
        prop_assert!(contents.error.is_none(), "{:?}", contents.error);
        prop_assert_eq!(contents.header, ["first", "second", "third"]);
        prop_assert_eq!(contents.faults, Vec::<String>::new());
        prop_assert_eq!(contents.rows, expected);
    }

    #[test]
    fn lines_above_the_named_header_change_only_the_lines(
        titles in prop::collection::vec("Title([ab\",;|\t' \u{e4}]|\"\"){0,12}", 0..6),
        lines in lines(),
        dialect in dialect(),
        sizes in sizes(),
    ) {
        let (table, mut expected) = write_file(&lines, &dialect);
        let above = titles.len() as u64;
        expected.iter_mut().for_each(|(_, line, _)| *line += above);
        let titles: String = titles.into_iter().map(|title| title + dialect.line_end).collect();
        let bytes = encode(&(titles + &table), dialect.encoding);
        let delimiter = Delimiter::of_byte(dialect.delimiter);
        let options = ReadOptions { delimiter, header_line: HeaderLine::new(above + 1), ..ReadOptions::default() };
        let contents = block_on(read_as(Pieces::new(bytes, &sizes), LIMITS, &options));
        prop_assert!(contents.error.is_none(), "{:?}", contents.error);
        prop_assert_eq!(contents.header, ["first", "second", "third"]);
        prop_assert_eq!(contents.header_line, above + 1);
        prop_assert_eq!(contents.faults, Vec::<String>::new());
        prop_assert_eq!(contents.rows, expected);
    }

    #[test]
    fn the_header_line_that_was_found_may_be_named(
        // Without quotes: whether a quoted cell is blank is known only when the delimiter is.
        text in "\u{feff}?(sep=[,;]|[ab,;\r\n ]|\n){0,30}",
        sizes in sizes(),
    ) {
        let found = block_on(read(io::Cursor::new(text.clone().into_bytes()), LIMITS));
        if let Some(header_line) = HeaderLine::new(found.header_line) {
            let options = ReadOptions { header_line: Some(header_line), ..ReadOptions::default() };
            let named = block_on(read_as(Pieces::new(text, &sizes), LIMITS, &options));
            prop_assert_eq!(format!("{found:?}"), format!("{named:?}"));
        }
    }

    #[test]
    fn the_sizes_of_the_pieces_change_nothing(
        bytes in hostile_bytes(),
        sizes in sizes(),
        max_record_bytes in 1usize..60,
        max_rows in 0u64..10,
        is_cut in any::<bool>(),
        header_line in 0u64..5,
    ) {
        let limits = ReadLimits { max_rows, max_record_bytes, max_decoded_bytes: 100, is_cut };
        let options = ReadOptions { header_line: HeaderLine::new(header_line), ..ReadOptions::default() };
        // Invalid UTF-16 and the size limit are detected a buffer ahead, so only the rows before may differ.
        let is_ahead = bytes.len() > 100 || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let whole = block_on(read_as(io::Cursor::new(bytes.clone()), limits, &options));
        let pieces = block_on(read_as(Pieces::new(bytes, &sizes), limits, &options));
        if !is_ahead {
            prop_assert_eq!(&whole.header, &pieces.header);
            prop_assert_eq!(&whole.rows, &pieces.rows);
            prop_assert_eq!(&whole.faults, &pieces.faults);
            prop_assert_eq!(format!("{:?}", whole.error), format!("{:?}", pieces.error));
        }
        prop_assert_eq!(whole.error.is_some(), pieces.error.is_some());
    }

    #[test]
    fn every_line_of_a_malformed_file_is_accounted_for(text in hostile_text(), sizes in sizes()) {
        let contents = block_on(read(Pieces::new(text.clone(), &sizes), LIMITS));
        if contents.error.is_none() {
            // Rows are numbered in order, and every visible character is in some row.
            prop_assert!(contents.rows.iter().zip(1..).all(|((number, _, _), expected)| *number == expected));
            prop_assert!(contents.rows.windows(2).all(|pair| pair[0].1 < pair[1].1));
            let visible = |text: &str| text.chars().filter(|char| matches!(char, 'a' | 'b' | 'ä')).count();
            let in_rows: usize =
                contents.rows.iter().flat_map(|(_, _, cells)| cells).map(|cell| visible(cell)).sum();
            let in_header: usize = contents.header.iter().map(|name| visible(name)).sum();
            prop_assert_eq!(in_rows + in_header, visible(&text));
        }
    }

    #[test]
    fn well_formed_files_are_read_as_by_the_csv_crate(text in hostile_text(), sizes in sizes()) {
        let contents = block_on(read(Pieces::new(text.clone(), &sizes), LIMITS));
        // Quotes after spaces are those of the cell, where the csv crate takes them for text.
        let has_indented_quotes = text.contains(" \"");
        if contents.error.is_none() && contents.faults.is_empty() && !has_indented_quotes {
            let found: Vec<_> = contents.rows.iter().map(|(_, _, cells)| bare(cells)).collect();
            let models = Delimiter::ALL.map(|delimiter| {
                let records = parse_with_the_csv_crate(without_blank_start(&text).as_bytes(), delimiter.byte());
                let table = records.iter().map(|cells| bare(cells));
                table.filter(|cells| !cells.is_empty()).skip(1).collect::<Vec<_>>()
            });
            prop_assert!(models.contains(&found), "{:?} is not among {:?}", found, models);
        }
    }

    #[test]
    fn a_scan_that_knows_what_is_ahead_finds_the_same(
        text in "([ab,\n\r]|\"|\"\"|\",\"){0,60}",
        at_end in any::<bool>(),
    ) {
        let mut kept = Scanner::new(b',');
        for start in 0..=text.len() {
            let view = View { bytes: &text.as_bytes()[start..], offset: start as u64, at_end };
            // Records start only at the start of a line.
            if start > 0 && !matches!(text.as_bytes()[start - 1], b'\n' | b'\r') {
                continue;
            }
            let (mut one, mut other) = (Record::new(), Record::new());
            let expected = Scanner::new(b',').scan(view, &mut one);
            prop_assert_eq!(kept.scan(view, &mut other), expected);
            if let Found::Record { .. } = expected {
                one.set_text(&text[start..]);
                other.set_text(&text[start..]);
                prop_assert_eq!(one, other);
            }
        }
    }
}
