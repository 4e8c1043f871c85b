//! The way back: what failed is downloaded, repaired and uploaded again, for every way in which a file may be written.

use std::collections::BTreeMap;

use rust_xlsxwriter::Workbook;
use serde_json::Value;

use super::upload::{FilePart, encoded, packed, post};
use crate::support::{Bench, DEADLINE, Finished, finished};

/// Rows of which all but the first fail, each for its address. What is around the names must come back as it was.
const ROWS: [[&str; 4]; 5] = [
    ["good", "Jürgen Müßig", "30", "x"],
    ["bad1", "=1+1", "31", "one, two; three|four\tfive"],
    ["bad2", "Größe \"XL\"", "32", "two\nlines"],
    ["bad3", "+49 30 1", "33", "-"],
    ["bad4", "'=tis", "34", ""],
];
const NAMES: [(&str, &str); 4] = [("1", "=1+1"), ("2", "Größe \"XL\""), ("3", "+49 30 1"), ("4", "=tis")];

fn fields(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let usual = [("entityType", "contact"), ("actionType", "bulk_upsert"), ("unknownColumns", "ignore")];
    usual.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn table(delimiter: &str, end: &str) -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut text = ["email", "name", "age", "note"].join(delimiter) + end;
    for [email, name, age, note] in ROWS {
        let email = if email == "good" { "good@way.example".to_owned() } else { email.to_owned() };
        text += &([email, quoted(name), age.to_owned(), quoted(note)].join(delimiter) + end);
    }
    text
}

/// Uploads a file that is taken, and waits for its end.
async fn done(bench: &Bench, account: &str, file: &FilePart, fields: &BTreeMap<String, String>) -> Finished {
    let (status, answer) = post(bench, account, "/bulk-actions", file, fields).await;
    assert_eq!(status, 201, "{answer:#}");
    let client = bench.platform.client(account);
    let id = answer["data"]["id"].as_str().unwrap();
    let detail = client.wait_finished(id, DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
    finished(&client, id, detail).await
}

/// The download of what failed, as it is and for spreadsheets.
async fn failed(bench: &Bench, account: &str, id: &str) -> [String; 2] {
    let client = bench.platform.client(account);
    let mut downloads = Vec::new();
    for safe in ["false", "true"] {
        let path = format!("/bulk-actions/{id}/results?status=failed&spreadsheetSafe={safe}");
        let bytes = client.get(&path).await.bytes().await.unwrap();
        downloads.push(String::from_utf8(bytes.to_vec()).unwrap());
    }
    downloads.try_into().unwrap()
}

fn repaired(download: &str) -> String {
    (1..=4).fold(download.to_owned(), |text, number| {
        text.replace(&format!("bad{number}"), &format!("fixed{number}@way.example"))
    })
}

async fn is_repaired(bench: &Bench, account: &str, done: &Finished, what: &str) {
    assert_eq!(done.counts(), (4, 0, 0), "{what}: {:?}", done.results);
    let contacts = crate::support::contacts(bench.env.pool(), account).await;
    for (number, name) in NAMES {
        assert_eq!(contacts[&format!("fixed{number}@way.example")].name, name, "{what}");
    }
}

#[tokio::test]
async fn failed_rows_come_back_repaired_whatever_the_delimiter_and_the_encoding() {
    let bench = Bench::start().await;
    let mut number = 0;
    for (delimiter, end) in [(",", "\n"), (";", "\r\n"), ("\t", "\r"), ("|", "\n")] {
        for encoding in [None, Some("utf-16le"), Some("windows-1252")] {
            number += 1;
            let (account, what) = (format!("way{number}"), format!("{delimiter:?} {encoding:?}"));
            let named: Vec<_> = encoding.map(|label| ("encoding", label)).into_iter().collect();
            let file = FilePart::csv(encoded(&table(delimiter, end), encoding));
            let first = done(&bench, &account, &file, &fields(&named)).await;
            assert_eq!(first.counts(), (1, 4, 0), "{what}: {:?}", first.results);
            assert_eq!(first.results[&3]["note"], ROWS[2][3], "{what}: as it was uploaded");
            let [plain, safe] = failed(&bench, &account, &first.id).await;
            assert!(safe.starts_with(&format!("\u{feff}_row{delimiter}_status")), "{what}: {safe}");
            assert!(plain.starts_with("_row,_status,_reason,_id,email,name,age,note\n"), "{what}: {plain}");

            let again = done(&bench, &account, &FilePart::csv(repaired(&plain)), &fields(&[])).await;
            is_repaired(&bench, &account, &again, &what).await;
            // The mark of the download goes before the encoding of the file before it.
            let again = done(&bench, &account, &FilePart::csv(repaired(&safe)), &fields(&named)).await;
            is_repaired(&bench, &account, &again, &what).await;
            // As a spreadsheet saves it that knows no UTF-8.
            let saved = FilePart::csv(encoded(repaired(&safe).trim_start_matches('\u{feff}'), encoding));
            let again = done(&bench, &account, &saved, &fields(&named)).await;
            is_repaired(&bench, &account, &again, &what).await;
        }
    }
}

#[tokio::test]
async fn a_download_in_utf_8_is_not_mangled_by_the_encoding_of_the_file_before_it() {
    let bench = Bench::start().await;
    let named = fields(&[("encoding", "windows-1252")]);
    let file = FilePart::csv(encoded(&table(";", "\n"), Some("windows-1252")));
    let first = done(&bench, "mangle", &file, &named).await;
    let [plain, _] = failed(&bench, "mangle", &first.id).await;
    let (status, answer) =
        post(&bench, "mangle", "/bulk-actions", &FilePart::csv(repaired(&plain)), &named).await;
    assert_eq!(status, 400, "{answer:#}");
    assert!(
        answer["error"]["details"][0]["message"].as_str().unwrap().contains("the file is UTF-8"),
        "{answer}"
    );
}

#[tokio::test]
async fn failed_rows_of_a_packed_file_and_of_a_workbook_come_back_repaired() {
    let bench = Bench::start().await;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["email", "name", "age", "note"]).unwrap();
    for (row, [email, name, age, note]) in (1..).zip(ROWS) {
        let email = if email == "good" { "good@way.example" } else { email };
        sheet.write_row(row, 0, [email, name]).unwrap();
        sheet.write(row, 2, age.parse::<f64>().unwrap()).unwrap();
        sheet.write(row, 3, note).unwrap();
    }
    let gzip = packed(table(",", "\n").as_bytes()).await;
    for (account, file) in [
        ("packed", FilePart::named(gzip, "a.csv.gz")),
        ("workbook", FilePart::named(workbook.save_to_buffer().unwrap(), "a.xlsx")),
    ] {
        let first = done(&bench, account, &file, &fields(&[])).await;
        assert_eq!(first.counts(), (1, 4, 0), "{account}: {:?}", first.results);
        let size = first.detail["file"]["fileSize"].as_u64().unwrap();
        assert_eq!(size, file.bytes.len() as u64, "{account}: the size of what was uploaded");
        let etag = first.detail["file"]["etag"].as_str().unwrap();
        assert!(!etag.is_empty() && !etag.contains('"'), "{account}: {etag}");
        let objects = bench.objects(&format!("accounts/{account}/")).await.1;
        assert_eq!(bench.stored_bytes(account).await, objects, "{account}: all of it counts");
        for download in failed(&bench, account, &first.id).await {
            let again = done(&bench, account, &FilePart::csv(repaired(&download)), &fields(&[])).await;
            is_repaired(&bench, account, &again, account).await;
        }
    }
}

/// Uploads and looks at a file, whose rows must be these cells.
pub(crate) async fn is_read_as(bench: &Bench, account: &str, file: &[u8], rows: &[Vec<&str>]) {
    let file = FilePart::csv(file);
    let mapping = r##"{"#1":"sku"}"##;
    let fields = fields(&[("entityType", "product"), ("mapping", mapping), ("unknownColumns", "ignore")]);
    let (status, look) = post(bench, account, "/uploads/inspect", &file, &fields).await;
    assert_eq!(status, 200, "{look:#}");
    let cells: Vec<&Value> =
        look["data"]["rows"].as_array().unwrap().iter().map(|row| &row["cells"]).collect();
    assert_eq!(
        cells,
        rows.iter().map(|row| serde_json::json!(row)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    let first = done(bench, account, &file, &fields).await;
    let client = bench.platform.client(account);
    let path = format!("/bulk-actions/{}/results", first.id);
    let download = client.get(&path).await.bytes().await.unwrap();
    let again = done(bench, account, &FilePart::csv(download.to_vec()), &fields_of_download(&fields)).await;
    for done in [&first, &again] {
        let path = format!("/bulk-actions/{}/results", done.id);
        let bytes = client.get(&path).await.bytes().await.unwrap();
        let mut reader = csv::ReaderBuilder::new().from_reader(&*bytes);
        let found: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            .map(|row: Vec<String>| row[row.len() - rows[0].len()..].to_vec())
            .collect();
        assert_eq!(found, rows, "{account}");
    }
}

/// In a download our own columns stand before the uploaded ones.
fn fields_of_download(fields: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut fields = fields.clone();
    fields.insert("mapping".to_owned(), r##"{"#5":"sku"}"##.to_owned());
    fields
}
