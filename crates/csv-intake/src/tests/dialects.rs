//! What the contract's CSV paragraph accepts.

use super::support::*;
use crate::{CsvReader, Delimiter};

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
    ] {
        let reader = CsvReader::open(Pieces::new(text, &[1]), LIMITS).await.unwrap();
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
async fn a_line_of_spaces_is_a_row() {
    assert_eq!(rows("a\n  \n1\n").await, [row(1, 2, &["  "]), row(2, 3, &["1"])]);
}

#[tokio::test]
async fn a_line_of_two_quotes_is_a_row_with_an_empty_cell() {
    assert_eq!(rows("a\n\"\"\n").await, [row(1, 2, &[""])]);
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
async fn a_row_with_too_few_or_too_many_fields_is_given_as_it_is() {
    assert_eq!(
        rows("a,b\n1\n1,2,3\n1,2\n").await,
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
    let mut reader = CsvReader::open(&b"a\n1"[..], LIMITS).await.unwrap();
    let mut record = csv_async::StringRecord::new();
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
        let mut reader = CsvReader::open(&b"a\n1"[..], LIMITS).await.unwrap();
        reader.next_row(&mut csv_async::StringRecord::new()).await.unwrap();
    };
    assert_send(&reading);
}
