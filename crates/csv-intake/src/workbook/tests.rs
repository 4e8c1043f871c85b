//! Workbooks as written by programs and by attackers.

use std::io::{Cursor, Write as _};

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn saved(mut workbook: Workbook) -> Vec<u8> {
    workbook.save_to_buffer().unwrap()
}

fn text_of(bytes: &[u8], sheet: Option<&str>) -> Result<String, String> {
    let mut csv = Vec::new();
    convert(Cursor::new(bytes), sheet, None, u64::MAX, &mut csv).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(csv).unwrap())
}

/// An archive with these parts.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook whose only sheet is this XML.
fn handmade(sheet: &str, shared: &str) -> Vec<u8> {
    let rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    archive(&[
        (
            "_rels/.rels",
            format!(r#"<Relationships><Relationship Id="r1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#)
                .as_bytes(),
        ),
        (
            "xl/workbook.xml",
            format!(r#"<workbook xmlns:r="{rel}"><sheets><sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>"#)
                .as_bytes(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(r#"<Relationships><Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#)
                .as_bytes(),
        ),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>").as_bytes()),
    ])
}

#[test]
fn cells_are_as_a_person_sees_them() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let (date, moment) =
        (Format::new().set_num_format("dd/mm/yyyy"), Format::new().set_num_format("yyyy-mm-dd hh:mm"));
    let (clock, postal) = (Format::new().set_num_format("hh:mm"), Format::new().set_num_format("00000"));
    let at = ExcelDateTime::from_ymd(2025, 5, 1).unwrap();
    let ten = ExcelDateTime::from_ymd(2025, 5, 1).unwrap().and_hms(10, 0, 0).unwrap();
    sheet.write_row(0, 0, ["email", "name", "n"]).unwrap();
    sheet.write(1, 0, "ada@example.com").unwrap();
    sheet.write(1, 1, "Lovelace, \"Ada\"\nCountess").unwrap();
    sheet.write(1, 2, 36.0).unwrap();
    sheet.write(2, 2, 5_901_234_123_457.0).unwrap();
    sheet.write(3, 0, 12.5).unwrap();
    sheet.write(3, 1, true).unwrap();
    sheet.write_with_format(3, 2, &at, &date).unwrap();
    sheet.write_with_format(3, 3, &ten, &moment).unwrap();
    sheet.write_with_format(3, 4, 0.4375, &clock).unwrap();
    sheet.write_with_format(3, 5, 123.0, &postal).unwrap();
    sheet.write(3, 6, 45_778.0).unwrap();
    sheet.write_formula(5, 1, Formula::new("=1+1").set_result("2")).unwrap();
    assert_eq!(
        text_of(&saved(workbook), None).unwrap(),
        "email,name,n\n\
         ada@example.com,\"Lovelace, \"\"Ada\"\"\nCountess\",36\n\
         ,,5901234123457\n\
         12.5,TRUE,2025-05-01,2025-05-01T10:00:00,10:30:00,00123,45778\n\
         \n\
         ,2,\n"
    );
}

#[test]
fn inline_texts_errors_and_gaps() {
    let sheet = r#"<row r="2"><c r="B2" t="inlineStr"><is><t>a &amp; b</t></is></c><c r="D2" t="s"><v>0</v></c></row>
        <row r="4"><c r="A4" t="e"><v>#N/A</v></c><c r="B4" t="str"><f>X()</f><v>cached</v></c><c r="C4"/>
        <c r="D4" t="d"><v>2025-05-01T00:00:00</v></c><c r="E4" t="n"><v>1.5E3</v></c></row>"#;
    let shared =
        "<sst uniqueCount=\"1\"><si><r><t>rich</t></r><r><t xml:space=\"preserve\"> text</t></r></si></sst>";
    let text = text_of(&handmade(sheet, shared), None).unwrap();
    assert_eq!(text, "\n,a & b,,rich text\n\n#N/A,cached,,2025-05-01,1500\n");
}

#[test]
fn the_first_visible_sheet_or_the_named_one() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Secret").unwrap().set_hidden(true).write(0, 0, "hidden").unwrap();
    workbook.add_worksheet().set_name("People").unwrap().set_active(true).write(0, 0, "first").unwrap();
    workbook.add_worksheet().set_name("Gärten").unwrap().write(0, 0, "second").unwrap();
    workbook.add_worksheet().set_name("Nothing").unwrap();
    let bytes = saved(workbook);
    assert_eq!(text_of(&bytes, None).unwrap(), "first\n");
    assert_eq!(text_of(&bytes, Some("gärten ")).unwrap(), "second\n");
    assert_eq!(text_of(&bytes, Some("Secret")).unwrap(), "hidden\n");
    let missing = text_of(&bytes, Some("Persons")).unwrap_err();
    assert_eq!(
        missing,
        "the workbook has no sheet `Persons`; it has `Secret`, `People`, `Gärten`, `Nothing`"
    );
    let empty = text_of(&bytes, Some("Nothing")).unwrap_err();
    assert!(empty.starts_with("the sheet `Nothing` is empty"), "{empty}");
}

#[test]
fn rows_above_the_header_leave_their_line_ends_only() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "Customers\nof the year").unwrap();
    sheet.write_row(1, 0, ["", "", "", "", "made on 1 May"]).unwrap();
    sheet.write_row(3, 0, ["email", "name", "age"]).unwrap();
    sheet.write_row(4, 0, ["ada@example.com", "Ada"]).unwrap();
    let bytes = saved(workbook);
    let text_from = |row| {
        let mut csv = Vec::new();
        convert(Cursor::new(&bytes), None, HeaderLine::new(row), u64::MAX, &mut csv).unwrap();
        String::from_utf8(csv).unwrap()
    };
    assert_eq!(text_from(4), "\n\n\nemail,name,age\nada@example.com,Ada,\n", "as wide as the header");
    assert_eq!(text_from(3), text_from(4), "the row is blank, and the reader says so");
    assert_eq!(text_from(2), "\n,,,,made on 1 May\n\nemail,name,age,,\nada@example.com,Ada,,,\n");
    assert_eq!(text_from(1), text_of(&bytes, None).unwrap());
    assert_eq!(text_from(100), "\n\n\n\n\n", "not empty: the reader says that the row is not there");
}

#[test]
fn a_file_that_is_no_workbook_is_called_by_its_kind() {
    let compound = |name: &str| {
        let utf16: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 65_530], &utf16, &[0; 100]].concat()
    };
    for (bytes, named) in [
        (compound("EncryptedPackage"), "protected by a password"),
        (compound("Workbook"), "old kind (.xls)"),
        (archive(&[("mimetype", b"application/vnd.oasis"), ("content.xml", b"<x/>")]), "OpenDocument"),
        (archive(&[("xl/workbook.bin", b"")]), "binary workbook"),
        (archive(&[("word/document.xml", b"<x/>")]), "text document"),
        (archive(&[("contacts.csv", b"email\n")]), "zip archive"),
        (archive(&[]), "zip archive"),
    ] {
        let refusal = text_of(&bytes, None).unwrap_err();
        assert!(refusal.contains(named), "{named}: {refusal}");
    }
}

#[test]
fn a_damaged_workbook_is_called_damaged() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().write(0, 0, "email").unwrap();
    let whole = saved(workbook);
    for length in (4..whole.len()).step_by(97) {
        let refusal = text_of(&whole[..length], None).unwrap_err();
        assert!(refusal.contains("damaged or incomplete"), "{length}: {refusal}");
    }
    // Whichever byte is changed, the result is a text or an error.
    for position in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[position] ^= 0x55;
        let _ = text_of(&changed, None);
    }
    for sheet in [
        r#"<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>"#,
        r#"<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>"#,
        r#"<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>"#,
        r#"<row r="1"><c r="A1" t="s"><v>7</v></c></row>"#,
        r#"<row r="1048577"><c r="A1048577"><v>1</v></c></row>"#,
        r#"<row r="1"><c r="A1"><v>1</v>"#,
    ] {
        let refusal = text_of(&handmade(sheet, "<sst></sst>"), None).unwrap_err();
        assert!(refusal.contains("damaged or incomplete"), "{sheet}: {refusal}");
    }
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read() {
    let bomb =
        format!("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>{}</t></is></c></row>", "x".repeat(600_000));
    let long = text_of(&handmade(&bomb, "<sst></sst>"), None).unwrap_err();
    assert!(long.contains("one of its cells is too long"), "{long}");
    let spaces = " ".repeat(400_000) + "<a/>";
    let ratio = text_of(&handmade(&spaces.repeat(60), "<sst></sst>"), None).unwrap_err();
    assert!(ratio.contains("unpacks to too much"), "{ratio}");
    for announced in ["99999999999", "18446744073709551615", "99999999999999999999999"] {
        let shared = format!("<sst count=\"1\" uniqueCount=\"{announced}\"></sst>");
        let refusal = text_of(&handmade("", &shared), None).unwrap_err();
        assert!(refusal.contains("too many different texts"), "{refusal}");
    }
    let csv_limit = convert(
        Cursor::new(handmade("<row r=\"1\"><c r=\"ZZ1\"><v>1</v></c></row>", "<sst></sst>")),
        None,
        None,
        100,
        Vec::new(),
    );
    assert!(matches!(csv_limit, Err(WorkbookError::TooManyBytes { limit_bytes: 100 })));
}

#[test]
fn an_archive_with_too_many_parts_is_refused_by_what_it_says_of_itself() {
    let mut bytes = archive(&[("xl/workbook.xml", b"<x/>")]);
    let end = bytes.len() - 22;
    bytes[end + 10..end + 12].copy_from_slice(&60_000_u16.to_le_bytes());
    let refusal = text_of(&bytes, None).unwrap_err();
    assert!(refusal.contains("too many parts"), "{refusal}");
}
