//! Workbooks are read as the first sheet that the user sees.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use testkit::Upload;

use crate::support::{Bench, DEADLINE};
use crate::uploads::{nothing_is_left, refused};

/// A workbook with a hidden sheet, two people and two orders.
fn workbook() -> Vec<u8> {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Notes").unwrap().set_hidden(true).write(0, 0, "secret").unwrap();
    let people = workbook.add_worksheet().set_name("People").unwrap();
    people.set_active(true);
    people.write_row(0, 0, ["email", "name", "age"]).unwrap();
    people.write_row(1, 0, ["ada@example.com", "Lovelace, Ada"]).unwrap();
    people.write(1, 2, 36.0).unwrap();
    people.write_row(3, 0, ["grace@example.com", "Grace \"Amazing\" Hopper", "85"]).unwrap();
    let orders = workbook.add_worksheet().set_name("Orders").unwrap();
    orders
        .write_row(0, 0, ["orderNumber", "contactEmail", "status", "amount", "currency", "orderedAt"])
        .unwrap();
    orders.write_row(1, 0, ["", "ada@example.com", "Paid", "", "eur", "2025-05-01 10:00 +0200"]).unwrap();
    orders.write(1, 0, 5_901_234_123_457.0).unwrap();
    orders.write(1, 3, 37.5).unwrap();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let day = ExcelDateTime::from_ymd(2025, 5, 1).unwrap();
    orders.write_row(2, 0, ["B-2", "ada@example.com", "paid", "1", "EUR"]).unwrap();
    orders.write_with_format(2, 5, &day, &date).unwrap();
    workbook.save_to_buffer().unwrap()
}

#[tokio::test]
async fn a_workbook_is_read_as_its_first_visible_sheet_whatever_its_name() {
    let bench = Bench::start().await;
    let bytes = workbook();
    for name in ["people.xlsx", "people.csv"] {
        let upload = Upload::contacts("bulk_upsert").file_name(name);
        let id = bench.client().upload(bytes.clone(), &upload).await;
        let detail = bench.client().wait_finished(&id, DEADLINE).await;
        assert_eq!(
            (&detail["status"], &detail["outcome"]),
            (&"completed".into(), &"success".into()),
            "{detail}"
        );
        let link = detail["file"]["downloadUrl"].as_str().unwrap();
        let original = reqwest::get(link).await.unwrap().bytes().await.unwrap();
        assert_eq!(original, bytes, "the link leads to what was uploaded");
    }
    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts.len(), 2);
    assert_eq!(
        (contacts["ada@example.com"].name.as_str(), contacts["ada@example.com"].age),
        ("Lovelace, Ada", Some(36))
    );
    assert_eq!(contacts["grace@example.com"].name, "Grace \"Amazing\" Hopper");
}

#[tokio::test]
async fn a_sheet_is_chosen_by_its_name() {
    let bench = Bench::start().await;
    let upload = Upload::new("order", "bulk_create").field("sheet", "orders").file_name("a.xlsx");
    let id = bench.client().upload(workbook(), &upload).await;
    bench.client().wait_finished(&id, DEADLINE).await;
    let rows = bench.client().results(&id, "").await;
    assert_eq!((rows[0]["orderNumber"].as_str(), rows[0]["amount"].as_str()), ("5901234123457", "37.5"));
    assert_eq!(rows[0]["_reason"], "created");
    assert_eq!(rows[1]["orderedAt"], "2025-05-01");
    assert!(rows[1]["_reason"].contains("send `timezone`"), "{}", rows[1]["_reason"]);
}

#[tokio::test]
async fn an_unreadable_workbook_is_refused_by_name_and_leaves_nothing() {
    let bench = Bench::start().await;
    let create = Upload::contacts("bulk_create").file_name("a.xlsx");
    let mut cut = workbook();
    cut.truncate(3000);
    let missing = create.clone().field("sheet", "Persons");
    let compound = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 4096]].concat();
    for (bytes, upload, reason) in [
        (cut, &create, "damaged or incomplete"),
        (compound, &create, "old kind (.xls)"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), &create, "a zip archive"),
        (workbook(), &missing, "it has `Notes`, `People`, `Orders`"),
        (workbook(), &create.clone().field("sheet", "Notes"), "a header but no rows"),
    ] {
        let (status, _, told) = refused(&bench, bytes, upload).await;
        assert_eq!(status, 400, "{told}");
        assert!(told.contains(reason), "{reason}: {told}");
        nothing_is_left(&bench).await;
    }
}

#[tokio::test]
async fn a_header_is_found_by_the_row_of_its_sheet() {
    let bench = Bench::start().await;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "Customers\nof the year").unwrap();
    sheet.write(1, 4, "made on 1 May").unwrap();
    sheet.write_row(3, 0, ["email", "name", "age"]).unwrap();
    // The last cell is left out, as spreadsheets do, so the header has to tell how many there are.
    sheet.write_row(4, 0, ["ada@example.com", "Ada"]).unwrap();
    sheet.write_row(5, 0, ["old@example.com", "Methuselah", "969"]).unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let upload = Upload::contacts("bulk_create").file_name("a.xlsx");
    let (_, _, told) = refused(&bench, bytes.clone(), &upload).await;
    assert!(told.contains("headerLine=4"), "{told}");
    for row in ["3", "9"] {
        let (_, _, told) = refused(&bench, bytes.clone(), &upload.clone().field("headerLine", row)).await;
        assert!(told.contains(r#""field":"headerLine""#) && told.contains(&format!("line {row}")), "{told}");
        nothing_is_left(&bench).await;
    }
    let id = bench.client().upload(bytes, &upload.field("headerLine", "4")).await;
    let detail = bench.client().wait_finished(&id, DEADLINE).await;
    assert_eq!(detail["configuration"]["headerLine"], 4);
    let rows = bench.client().results(&id, "").await;
    let found: Vec<_> = rows.iter().map(|row| (row["_row"].as_str(), row["_status"].as_str())).collect();
    assert_eq!(found, [("1", "success"), ("2", "failed")]);
}
