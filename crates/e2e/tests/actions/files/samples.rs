//! Cells that other readers stumbled over: the files of csv-spectrum, and strings that are trouble elsewhere.

use std::collections::BTreeMap;

use super::round_trip::is_read_as;
use super::upload::{FilePart, post};
use crate::support::{Bench, DEADLINE, contacts, finished};

/// A file and its rows without the header.
type Sample = (&'static str, &'static [u8], &'static [&'static [&'static str]]);

/// After csv-spectrum by Max Ogden (BSD).
const SPECTRUM: [Sample; 14] = [
    (
        "comma_in_quotes",
        b"first,last,address,city,zip\nJohn,Doe,120 any st.,\"Anytown, WW\",08123\n",
        &[&["John", "Doe", "120 any st.", "Anytown, WW", "08123"]],
    ),
    ("empty", b"a,b,c\n1,\"\",\"\"\n2,3,4\n", &[&["1", "", ""], &["2", "3", "4"]]),
    ("empty_crlf", b"a,b,c\r\n1,\"\",\"\"\r\n2,3,4\r\n", &[&["1", "", ""], &["2", "3", "4"]]),
    ("escaped_quotes", b"a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n", &[&["1", "ha \"ha\" ha"], &["3", "4"]]),
    (
        "json",
        b"key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\n",
        &[&["1", "{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}"]],
    ),
    (
        "location_coordinates",
        "Phone,Name,Coordinates\n0123,Caf\u{e9},\"46\u{b0} 14\u{2032} N, 2\u{b0} 13\u{2032} E\"\n".as_bytes(),
        &[&["0123", "Caf\u{e9}", "46\u{b0} 14\u{2032} N, 2\u{b0} 13\u{2032} E"]],
    ),
    (
        "newlines",
        b"a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n",
        &[&["1", "2", "3"], &["Once upon \na time", "5", "6"], &["7", "8", "9"]],
    ),
    (
        "newlines_crlf",
        b"a,b,c\r\n1,2,3\r\n\"Once upon \r\na time\",5,6\r\n7,8,9\r\n",
        &[&["1", "2", "3"], &["Once upon \r\na time", "5", "6"], &["7", "8", "9"]],
    ),
    (
        "quotes_and_newlines",
        b"a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n",
        &[&["1", "ha \n\"ha\" \nha"], &["3", "4"]],
    ),
    ("quotes_alone", b"a,b\n\"\"\"\",\"\"\"\"\"\"\n\",\",\"\n\"\n", &[&["\"", "\"\""], &[",", "\n"]]),
    ("simple", b"a,b,c\n1,2,3\n", &[&["1", "2", "3"]]),
    ("simple_crlf", b"a,b,c\r\n1,2,3\r\n", &[&["1", "2", "3"]]),
    ("no_final_line_end", b"a,b,c\n1,2,3", &[&["1", "2", "3"]]),
    ("utf8", "a,b,c\n1,2,3\n4,5,\u{2a4}\n".as_bytes(), &[&["1", "2", "3"], &["4", "5", "\u{2a4}"]]),
];

#[tokio::test]
async fn the_files_of_csv_spectrum_are_read_as_what_they_are() {
    let bench = Bench::start().await;
    for (name, file, rows) in SPECTRUM {
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.to_vec()).collect();
        is_read_as(&bench, name, file, &rows).await;
    }
}

/// In the spirit of the Big List of Naughty Strings (MIT). None is too long for a name or empty.
const NAUGHTY: [&str; 74] = [
    "undefined",
    "NULL",
    "null",
    "nil",
    "None",
    "NaN",
    "Infinity",
    "true",
    "FALSE",
    "\\",
    "\\\\",
    "0",
    "1E+02",
    "1/0",
    "0x0",
    "-1",
    "-1.00",
    "$1.00",
    "--",
    ",./;'[]\\-=",
    "<>?:\"{}|_+",
    "!@#$%^&*()`~",
    "\u{2126}\u{2248}\u{e7}\u{221a}\u{222b}\u{2dc}\u{b5}",
    "\u{2070}\u{2074}\u{2075}",
    "'",
    "\"",
    "''",
    "\"\"",
    "'\"'",
    "\"''''\"'\"",
    "a\"b",
    "a\"\"b",
    "\"a\"",
    "'a'",
    "\u{7530}\u{4e2d}\u{3055}\u{3093}",
    "\u{20c1f}\u{20c1f}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "e\u{301}\u{302}\u{303}",
    "\u{5d0}\u{5d1} abc \u{5d2}",
    "\u{202e}abc",
    "a\u{202e}b",
    "a\u{200b}b",
    "a\u{feff}b",
    "a\u{ad}b",
    "a\u{a0}b",
    "a\u{2028}b",
    "a\u{85}b",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "a\u{1}b",
    "a\u{1a}b",
    "a\u{7f}b",
    "\u{fffd}",
    "\u{10ffff}",
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "'=1+1",
    "''=1+1",
    "=\"a\"&\"b\"",
    "x;=1",
    "x,=1",
    "x\t=1",
    "<script>alert(1)</script>",
    "'; DROP TABLE contacts; --",
    "{{7*7}}",
    "%s%n",
    "sep=;",
];

#[tokio::test]
async fn strings_that_are_trouble_elsewhere_come_back_as_they_were() {
    let bench = Bench::start().await;
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows: String = (0..)
        .zip(NAUGHTY)
        .map(|(number, text)| format!("n{number:02}@naughty.example,{}\n", quoted(text)))
        .collect();
    let fields: BTreeMap<_, _> = [("entityType", "contact"), ("actionType", "bulk_upsert")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut file = format!("email,name\n{rows}").into_bytes();
    let mut before = None;
    for round in ["uploaded", "downloaded", "downloaded for a spreadsheet"] {
        let (status, answer) = post(&bench, "naughty", "/bulk-actions", &FilePart::csv(file), &fields).await;
        assert_eq!(status, 201, "{round}: {answer:#}");
        let (client, id) = (bench.platform.client("naughty"), answer["data"]["id"].as_str().unwrap());
        let detail = client.wait_finished(id, DEADLINE).await;
        let done = finished(&client, id, detail).await;
        assert_eq!(done.counts(), (NAUGHTY.len() as u64, 0, 0), "{round}: {:?}", done.results);
        if round != "downloaded for a spreadsheet" {
            let names: Vec<&str> = done.results.values().map(|row| row["name"].as_str()).collect();
            assert_eq!(names, NAUGHTY, "{round}");
        }
        let stored: BTreeMap<_, _> = contacts(bench.env.pool(), "naughty")
            .await
            .into_iter()
            .map(|(email, contact)| (email, contact.name))
            .collect();
        let before = before.get_or_insert_with(|| stored.clone());
        assert_eq!(*before, stored, "{round}: the values are the same");
        let safe = if round == "uploaded" { "false" } else { "true" };
        let path = format!("/bulk-actions/{id}/results?spreadsheetSafe={safe}");
        file = client.get(&path).await.bytes().await.unwrap().to_vec();
    }
    let stored = before.unwrap();
    assert_eq!(stored["n58@naughty.example"], "=1+1");
    assert_eq!(stored["n37@naughty.example"], NAUGHTY[37]);
}
