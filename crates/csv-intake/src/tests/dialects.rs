//! Formats that the documented CSV rules accept.

use super::support::*;
use crate::{CsvReader, Delimiter, ReadOptions, Record, ShortRows, TextEncoding};

#[tokio::test]
async fn header_names_are_trimmed_and_keep_their_case() {
    let contents = read_bytes(" Email ,\"Full Name \",\tage\nx,y,z\n").await;
    assert_eq!(contents.header, ["Email", "Full Name", "age"]);
}

#[tokio::test]
async fn each_delimiter_is_found_and_used() {
    for (text, delimiter) in [
        ("a,b\n1;2,3\n", Delimiter::Comma),
        ("a;b\n1,2;3\n", Delimiter::Semicolon),
        ("a\tb\n1,2\t3\n", Delimiter::Tab),
        ("a|b\n1,2|3\n", Delimiter::Pipe),
    ] {
        let reader = CsvReader::open(Pieces::new(text, &[1]), LIMITS, &ReadOptions::default()).await.unwrap();
        assert_eq!(reader.delimiter(), delimiter);
        assert_eq!(reader.header(), ["a", "b"]);
        assert_eq!(rows(text).await[0].2.len(), 2, "{text:?}");
    }
}

#[tokio::test]
async fn excels_line_before_the_header_is_a_line_and_no_header() {
    for text in ["sep=;\na;b\n1,1;2\n", "\"sep=;\"\r\na;b\r\n1,1;2\r\n", "\u{feff}sep=;\ra;b\r1,1;2\r"] {
        assert_eq!(rows(text).await, [row(1, 3, &["1,1", "2"])], "{text:?}");
    }
}

#[tokio::test]
async fn every_line_end_is_understood_with_or_without_a_final_one() {
    let expected = [row(1, 2, &["1", "2"]), row(2, 3, &["3", "4"])];
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("a,b{end}1,2{end}3,4");
        assert_eq!(rows(text.clone()).await, expected, "{text:?}");
        assert_eq!(rows(text.clone() + end).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn blank_lines_are_ignored_and_counted_as_lines() {
    for end in ["\n", "\r\n", "\r"] {
        let text = "||a||1||2|3||".replace('|', end);
        assert_eq!(rows(text).await, [row(1, 5, &["1"]), row(2, 7, &["2"]), row(3, 8, &["3"])], "{end:?}");
    }
}

#[tokio::test]
async fn mixed_line_ends_count_one_line_each() {
    assert_eq!(
        rows("a\r\n1\n2\r3\r\r\n4\n\r5\r\n\r\n6").await,
        [
            row(1, 2, &["1"]),
            row(2, 3, &["2"]),
            row(3, 4, &["3"]),
            row(4, 6, &["4"]),
            row(5, 8, &["5"]),
            row(6, 10, &["6"])
        ]
    );
}

#[tokio::test]
async fn a_record_without_a_visible_character_is_a_blank_line_wherever_it_stands() {
    let text = ",,\n\n \t\na,b\n,\n\"\",\"  \"\n1,2\n\u{a0},\u{200b}\n,,,,\n\"\n\n\",\n3,\n,\n";
    assert_eq!(rows(text).await, [row(1, 7, &["1", "2"]), row(2, 13, &["3", ""])]);
}

#[tokio::test]
async fn surplus_empty_cells_at_the_end_of_a_row_are_left_out() {
    let contents = read_bytes("a,b\n1,2,,\n3,4, ,x\n").await;
    assert_eq!(contents.rows, [row(1, 2, &["1", "2"]), row(2, 3, &["3", "4", " ", "x"])]);
    assert_eq!(contents.faults, ["line 3 has 4 fields, the header has 2"]);
}

#[tokio::test]
async fn columns_without_name_at_the_end_need_no_cell() {
    assert_eq!(
        rows("a,b,,\n1,2\n3,4,,\n5,6,7\n").await,
        [row(1, 2, &["1", "2", "", ""]), row(2, 3, &["3", "4", "", ""]), row(3, 4, &["5", "6", "7", ""]),]
    );
}

#[tokio::test]
async fn short_rows_are_filled_on_request() {
    let text = "a,b,c\n1\n2,3\n4,5,6\n";
    let contents = read_bytes(text).await;
    assert_eq!(
        contents.faults,
        ["line 2 has 1 field, the header has 3", "line 3 has 2 fields, the header has 3"]
    );
    let options = ReadOptions { short_rows: ShortRows::Fill, ..ReadOptions::default() };
    let filled = read_as(text.as_bytes(), LIMITS, &options).await;
    assert!(filled.faults.is_empty());
    assert_eq!(filled.rows[0], row(1, 2, &["1", "", ""]));
}

#[tokio::test]
async fn marks_that_nobody_sees_are_no_part_of_the_table() {
    for text in
        ["\u{feff}\u{feff}a,b\n1,2\n", "sep=,\n\u{feff}\"a\",b\n1,2\n", "\u{feff}sep=,\r\n\u{feff}a,b\n1,2\n"]
    {
        let contents = read_bytes(text).await;
        assert_eq!(contents.header, ["a", "b"], "{text:?}");
        assert_eq!(contents.rows[0].2, ["1", "2"], "{text:?}");
    }
    assert_eq!(read_bytes("\u{200b}a\u{200b},\u{a0}b\n").await.header, ["a", "b"]);
    assert_eq!(rows("a,b\n1,2\n\u{feff}3,4\n").await[1], row(2, 3, &["3", "4"]));
}

#[tokio::test]
async fn ctrl_z_ends_a_text_of_old_systems() {
    for end in ["\u{1a}", "\n\u{1a}", "\r\n\u{1a}\u{1a}\u{1a}", "\n\u{1a}\r\n"] {
        assert_eq!(rows(format!("a,b\n1,\"2\"{end}")).await, [row(1, 2, &["1", "2"])], "{end:?}");
    }
    assert_eq!(rows("a\n1\u{1a}2\n").await, [row(1, 2, &["1\u{1a}2"])]);
}

#[tokio::test]
async fn options_that_were_found_or_given_read_the_file_again() {
    let text = b"sep=|\nname|city;town\nJ\xfcrgen|K\xf6ln\n";
    let options = ReadOptions { encoding: TextEncoding::parse("latin1"), ..ReadOptions::default() };
    let first = CsvReader::open(&text[..], LIMITS, &options).await.unwrap();
    let used = first.used_options();
    assert_eq!(
        serde_json::to_string(&used).unwrap(),
        r#"{"encoding":"windows-1252","delimiter":"|","shortRows":"fail"}"#
    );
    let stored: ReadOptions = serde_json::from_str(&serde_json::to_string(&used).unwrap()).unwrap();
    let again = read_as(&text[..], LIMITS, &stored).await;
    assert_eq!(again.header, ["name", "city;town"]);
    assert_eq!(again.rows, [row(1, 3, &["Jürgen", "Köln"])]);
}

#[tokio::test]
async fn a_named_encoding_is_read_and_a_mark_goes_before_it() {
    let options = |label| ReadOptions { encoding: TextEncoding::parse(label), ..ReadOptions::default() };
    let shift_jis = b"\x96\xbc\x91O,b\n\x83e\x83X\x83g,2\n";
    let contents = read_as(Pieces::new(&shift_jis[..], &[1]), LIMITS, &options("sjis")).await;
    assert_eq!(
        (contents.header, contents.rows),
        (vec!["名前".to_owned(), "b".to_owned()], vec![row(1, 2, &["テスト", "2"])])
    );
    let utf_16 = utf16_le("a,b\n1,ü\n");
    assert_eq!(read_as(io_cursor(utf_16), LIMITS, &options("utf-16le")).await.rows, [row(1, 2, &["1", "ü"])]);
    let marked = "\u{feff}a\nü\n";
    assert_eq!(read_as(marked.as_bytes(), LIMITS, &options("windows-1252")).await.rows, [row(1, 2, &["ü"])]);
}

fn io_cursor(bytes: Vec<u8>) -> std::io::Cursor<Vec<u8>> {
    std::io::Cursor::new(bytes)
}

#[tokio::test]
async fn the_start_of_a_file_ends_with_its_last_whole_row() {
    let limits = crate::ReadLimits { is_cut: true, ..LIMITS };
    let text = "a,b\n1,\"x\ny\"\n2,\"z\nü\"\n3,4";
    for length in 0..text.len() {
        let contents = read_as(&text.as_bytes()[..length], limits, &ReadOptions::default()).await;
        assert!(contents.faults.is_empty(), "{length}");
        let whole = [4, 12, 21].into_iter().filter(|end| length >= *end).count();
        assert_eq!(contents.rows.len() + 1, whole.max(1), "{length}");
    }
    let compressed = gzip(&text.repeat(100).into_bytes()[..]).await;
    let cut =
        read_as(io_cursor(compressed[..compressed.len() - 10].to_vec()), limits, &ReadOptions::default())
            .await;
    assert!(cut.error.is_none() && !cut.rows.is_empty(), "{:?}", cut.error);
}

#[tokio::test]
async fn line_ends_inside_quotes_are_lines() {
    assert_eq!(rows("a\n\"1\r2\r\n3\n4\"\nx\n").await, [row(1, 2, &["1\r2\r\n3\n4"]), row(2, 6, &["x"])]);
}

#[tokio::test]
async fn quoted_fields_hold_delimiters_quotes_and_line_ends() {
    let text = "a,b\r\n\"1,2\",\"say \"\"hi\"\"\"\r\n\"x\r\ny\nz\",\"\"\r\n5,6\r\n";
    assert_eq!(
        rows(text).await,
        [row(1, 2, &["1,2", "say \"hi\""]), row(2, 3, &["x\r\ny\nz", ""]), row(3, 6, &["5", "6"])]
    );
}

#[tokio::test]
async fn a_header_may_hold_delimiters_and_line_ends_in_quotes() {
    let contents = read_bytes("\"a;\nb\";c\n1;2\n").await;
    assert_eq!(contents.header, ["a;\nb", "c"]);
    assert_eq!(contents.rows, [row(1, 3, &["1", "2"])]);
}

#[tokio::test]
async fn cells_are_not_trimmed() {
    assert_eq!(rows("a,b\n 1 ,\t2\n").await, [row(1, 2, &[" 1 ", "\t2"])]);
}

#[tokio::test]
async fn a_row_with_too_few_or_too_many_cells_is_given_as_it_is() {
    assert_eq!(
        read_bytes("a,b\n1\n1,2,3\n1,2\n").await.rows,
        [row(1, 2, &["1"]), row(2, 3, &["1", "2", "3"]), row(3, 4, &["1", "2"])]
    );
}

#[tokio::test]
async fn a_nul_in_a_row_is_left_to_the_row_rules() {
    assert_eq!(rows("a\nx\0y\n").await, [row(1, 2, &["x\0y"])]);
}

#[tokio::test]
async fn a_header_alone_is_a_file_without_rows() {
    for text in ["a,b", "a,b\n", "a,b\r\n\r\n"] {
        let contents = read_bytes(text).await;
        assert_eq!(contents.header, ["a", "b"]);
        assert!(contents.rows.is_empty() && contents.error.is_none());
    }
}

#[tokio::test]
async fn every_encoding_gives_the_same_text() {
    let text = "näme;b\r\n\"ü€😀\n\";2\r\n";
    let with_bom = format!("\u{feff}{text}");
    for bytes in
        [text.as_bytes().to_vec(), with_bom.clone().into_bytes(), utf16_le(&with_bom), utf16_be(&with_bom)]
    {
        let contents = read_bytes(bytes.clone()).await;
        assert_eq!(contents.header, ["näme", "b"]);
        assert_eq!(contents.rows, [row(1, 2, &["ü€😀\n", "2"])]);
        assert_eq!(rows(gzip(&bytes[..]).await).await, contents.rows);
    }
}

#[tokio::test]
async fn a_gzip_file_may_consist_of_several_streams() {
    let bytes = [gzip(&b"a\n1"[..]).await, gzip(&b""[..]).await, gzip(&b"2\n3\n"[..]).await].concat();
    assert_eq!(rows(bytes).await, [row(1, 2, &["12"]), row(2, 3, &["3"])]);
}

#[tokio::test]
async fn the_end_stays_the_end() {
    let mut reader = CsvReader::open(&b"a\n1"[..], LIMITS, &ReadOptions::default()).await.unwrap();
    let mut record = Record::new();
    assert!(reader.next_row(&mut record).await.unwrap().is_some());
    for _ in 0..3 {
        assert_eq!(reader.next_row(&mut record).await.unwrap(), None);
    }
}

#[tokio::test]
async fn more_blank_lines_than_a_record_may_be_long_are_ignored() {
    let blank = "\r\n".repeat(LIMITS.max_record_bytes);
    let text = format!("{blank}a{blank}1{blank}2{blank}");
    let lines = LIMITS.max_record_bytes as u64;
    assert_eq!(
        read(std::io::Cursor::new(text), LIMITS).await.rows,
        [row(1, 2 * lines + 1, &["1"]), row(2, 3 * lines + 1, &["2"])]
    );
}

#[test]
fn reading_may_move_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let reading = async {
        let mut reader = CsvReader::open(&b"a\n1"[..], LIMITS, &ReadOptions::default()).await.unwrap();
        reader.next_row(&mut Record::new()).await.unwrap();
    };
    assert_send(&reading);
}
