//! Files from practice: the inputs in `tests/data/field`, each of a kind that caused trouble elsewhere.

use serde_json::Value;
use testkit::Upload;

use crate::support::{Bench, DEADLINE, Finished, finished, obeyed};

/// Uploads a file of `tests/data/field`, which must be accepted, and waits for its end.
async fn run_field(bench: &Bench, bytes: &[u8], upload: &Upload) -> Finished {
    let client = bench.client();
    let id = client.upload(bytes.to_vec(), upload).await;
    let detail = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
    finished(&client, &id, detail).await
}

/// The messages with which a file is rejected.
async fn refusal(bench: &Bench, bytes: &[u8], upload: &Upload) -> String {
    let answer = bench.client().create(bytes.to_vec(), upload).await;
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.unwrap();
    body["error"]["details"].to_string()
}

#[tokio::test]
async fn an_address_books_export_needs_only_to_be_told_what_matters() {
    let bench = Bench::start().await;
    let file = include_bytes!("../data/field/01-google-contacts.csv");
    let mapping = r#"{"Name":"name","E-mail 1 - Value":"email"}"#;
    let upload = Upload::contacts("bulk_upsert").field("mapping", mapping);
    let told = refusal(&bench, file, &upload).await;
    assert!(told.contains("unknownColumns=ignore"), "{told}");
    let done = run_field(&bench, file, &upload.field("unknownColumns", "ignore")).await;
    assert_eq!(done.counts(), (3, 0, 0));
    assert_eq!(bench.contacts("acme").await["odd@fjord.example"].name, "Odd Hamre");
    assert_eq!(done.results[&2]["Notes"], "met at the fair,\nlikes tea", "results keep what was left out");
}

#[tokio::test]
async fn columns_that_nobody_sees_in_a_spreadsheet_are_none() {
    let bench = Bench::start().await;
    let file = include_bytes!("../data/field/05-empty-columns-at-end.csv");
    let done = run_field(&bench, file, &Upload::contacts("bulk_upsert")).await;
    assert_eq!(done.counts(), (2, 0, 0));
}

#[tokio::test]
async fn rows_that_nobody_sees_in_a_spreadsheet_are_none() {
    let bench = Bench::start().await;
    let file = include_bytes!("../data/field/07-ghost-rows.csv");
    let done = run_field(&bench, file, &Upload::contacts("bulk_upsert")).await;
    assert_eq!(done.counts(), (2, 0, 0));
}

#[tokio::test]
async fn a_quote_too_many_takes_no_row_with_it() {
    let bench = Bench::start().await;
    let file = include_bytes!("../data/field/20-unclosed-quote-swallows-rows.csv");
    let done = run_field(&bench, file, &Upload::contacts("bulk_upsert")).await;
    assert_eq!(done.counts(), (3, 1, 0));
    assert!(done.reason(1).starts_with("malformed: line 2 opens a quote in column 2"), "{}", done.reason(1));
    assert_eq!(done.results[&1]["email"], "ann@swallow.example");
    let contacts = bench.contacts("acme").await;
    let mut found: Vec<_> =
        contacts.iter().map(|(email, contact)| (email.as_str(), contact.name.as_str())).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("ben@swallow.example", "Ben Quay"),
            ("cy@swallow.example", "Cy Rook"),
            ("di@swallow.example", "Di Sole")
        ]
    );
}

#[tokio::test]
async fn a_download_of_failed_rows_is_uploaded_again_once_it_is_repaired() {
    let bench = Bench::start().await;
    let file = include_bytes!("../data/field/45-failed-rows-fixed.csv");
    let done = run_field(&bench, file, &Upload::contacts("bulk_upsert")).await;
    assert_eq!(done.counts(), (1, 0, 0));
}

#[tokio::test]
async fn the_encoding_may_be_named_after_the_file_too() {
    let bench = Bench::start().await;
    let file = b"name;email\r\nJ\xfcrgen M\xfcller;juergen@example.com\r\n";
    let upload = Upload::contacts("bulk_create");
    let told = refusal(&bench, file, &upload).await;
    assert!(told.contains("encoding=windows-1252"), "{told}");
    let done = run_field(&bench, file, &upload.clone().field("encoding", "windows-1252")).await;
    assert_eq!(done.counts(), (1, 0, 0));
    assert_eq!(bench.contacts("acme").await["juergen@example.com"].name, "Jürgen Müller");
    assert_eq!(done.detail["configuration"]["encoding"], "windows-1252");
    assert_eq!(done.detail["configuration"]["delimiter"], ";");

    let form = reqwest::multipart::Form::new()
        .part("file", reqwest::multipart::Part::bytes(&file[..]).file_name("a.csv"))
        .text("entityType", "contact")
        .text("actionType", "bulk_upsert")
        .text("encoding", "latin1");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/bulk-actions", bench.platform.url());
    let answer = http.post(url).header("account-id", "acme").multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_default_stands_in_for_a_column_that_the_file_does_not_have() {
    let bench = Bench::start().await;
    let upload = Upload::new("product", "bulk_create").field("defaults", r#"{"currency":"EUR","stock":0}"#);
    let done = run_field(&bench, b"sku,name,price\nA-1,Pen,1.20\nA-2,Pencil,0.80\n", &upload).await;
    assert_eq!(done.counts(), (2, 0, 0));
    assert!(!done.results[&1].contains_key("currency"), "results have the columns of the file");
    let currencies: Vec<String> = sqlx::query_scalar("SELECT DISTINCT currency::text FROM products")
        .fetch_all(bench.env.pool())
        .await
        .unwrap();
    assert_eq!(currencies, ["EUR"]);
    let told = refusal(&bench, b"sku,currency\nA-1,EUR\n", &upload).await;
    assert!(told.contains("a default is for a column that it does not have"), "{told}");
}

#[tokio::test]
async fn an_empty_cell_clears_only_where_that_is_wanted() {
    let bench = Bench::start().await;
    bench.seed("acme", "ada@example.com", "Ada", Some(36)).await;
    bench.seed("acme", "bob@example.com", "Bob", Some(40)).await;
    let file = b"email,name,age\nada@example.com,Ada L,\nbob@example.com,,41\n";
    let kept = run_field(&bench, file, &Upload::contacts("bulk_update")).await;
    assert_eq!(kept.counts(), (2, 0, 0));
    assert_eq!(bench.contacts("acme").await["ada@example.com"].age, Some(36));
    let upload = Upload::contacts("bulk_update").field("emptyCells", "clear");
    let cleared = run_field(&bench, file, &upload).await;
    assert_eq!(cleared.counts(), (1, 1, 0), "a name is required");
    assert!(cleared.reason(2).starts_with("invalid: name"), "{}", cleared.reason(2));
    let contacts = bench.contacts("acme").await;
    assert_eq!(contacts["ada@example.com"].age, None);
    assert_eq!(contacts["bob@example.com"].name, "Bob");
}

#[tokio::test]
async fn short_rows_are_filled_where_that_is_wanted() {
    let bench = Bench::start().await;
    let file = b"email,name,age\nada@example.com,Ada\n";
    let failed = run_field(&bench, file, &Upload::contacts("bulk_create")).await;
    assert_eq!((failed.counts(), failed.code(1)), ((0, 1, 0), "malformed"));
    let upload = Upload::contacts("bulk_create").field("shortRows", "fill");
    assert_eq!(run_field(&bench, file, &upload).await.counts(), (1, 0, 0));
}

#[tokio::test]
async fn a_file_may_have_each_delimiter_each_line_end_and_blank_rows_anywhere() {
    let bench = Bench::start().await;
    for (number, (delimiter, end)) in
        [(",", "\n"), (";", "\r\n"), ("\t", "\r"), ("|", "\n")].into_iter().enumerate()
    {
        let lines = [
            format!("sep={delimiter}"),
            delimiter.repeat(2),
            format!("email{delimiter}name"),
            format!("\"a{number}@example.com\"{delimiter}A"),
            delimiter.to_owned(),
            "  ".to_owned(),
            format!("b{number}@example.com{delimiter}\"two{end}lines\"{delimiter}{delimiter}"),
            delimiter.to_owned(),
            "\u{1a}".to_owned(),
        ];
        let done = run_field(&bench, lines.join(end).as_bytes(), &Upload::contacts("bulk_upsert")).await;
        assert_eq!(done.counts(), (2, 0, 0), "{lines:?}");
    }
    let piped = b"email|name\n|\na@pipe.example|A, B; C\n\n";
    assert_eq!(run_field(&bench, piped, &Upload::contacts("bulk_upsert")).await.counts(), (1, 0, 0));
}

#[tokio::test]
async fn titles_above_the_named_header_are_no_rows_and_count_as_lines() {
    let bench = Bench::start().await;
    let client = bench.client();
    // A quote that is never closed above the header, and a byte that is not UTF-8.
    let file = b"\"Customers, as of\n1 May\nM\xfcller & Co;\n\nemail,name,age\nada@example.com,Ada,36\n\nold@example.com,Methuselah,969\nbob@example.com,\"Bob\n";
    let upload = Upload::contacts("bulk_upsert").field("headerLine", "5");
    let told = refusal(&bench, file, &Upload::contacts("bulk_upsert")).await;
    assert!(told.contains("line 1"), "{told}");
    let done = run_field(&bench, file, &upload).await;
    assert_eq!(done.counts(), (1, 2, 0));
    assert_eq!(done.detail["configuration"]["headerLine"], 5);
    assert!(done.reason(2).contains("between 0 and 150"), "{}", done.reason(2));
    assert!(done.reason(3).starts_with("malformed: line 9 opens a quote"), "{}", done.reason(3));
    assert_eq!(bench.contacts("acme").await["ada@example.com"].age, Some(36));

    // The field may follow the file, whose start cannot be read without it.
    let form = reqwest::multipart::Form::new()
        .part("file", reqwest::multipart::Part::bytes(&file[..]).file_name("a.csv"))
        .text("entityType", "contact")
        .text("actionType", "bulk_upsert")
        .text("dryRun", "true")
        .text("headerLine", "5");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/bulk-actions", bench.platform.url());
    let answer = http.post(url).header("account-id", "acme").multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());

    // A download has its header on its first line, and is uploaded again without the field.
    let held = upload.clone().field("scheduledAt", "2999-01-01T00:00:00Z");
    let held = client.upload(file.to_vec(), &held).await;
    obeyed(&client, &held, "cancel").await;
    let path = format!("/bulk-actions/{held}/results?status=unprocessed");
    let left = client.get(&path).await.bytes().await.unwrap();
    let left = std::str::from_utf8(&left).unwrap();
    assert!(left.starts_with("_row,_status,_reason,_id,email,name,age\n1,"), "{left}");
    let again = run_field(&bench, left.as_bytes(), &Upload::contacts("bulk_upsert")).await;
    assert_eq!(again.results[&1]["_status"], "success");
    assert_eq!(again.detail["configuration"]["headerLine"], Value::Null);
}

#[tokio::test]
async fn a_header_line_that_is_none_is_refused_under_its_field() {
    let bench = Bench::start().await;
    let file = b"Customers\n\nemail,name\nada@example.com,Ada\n";
    for (line, reason) in [
        ("2", "line 2 is blank: name the line on which the names of the columns stand"),
        ("9", "the file ends before line 9"),
        ("0", "from 1 to 100"),
    ] {
        let told = refusal(&bench, file, &Upload::contacts("bulk_create").field("headerLine", line)).await;
        assert!(told.contains(r#""field":"headerLine""#) && told.contains(reason), "{told}");
    }
    let told = refusal(&bench, file, &Upload::contacts("bulk_create")).await;
    assert!(told.contains("stand on line 3: send headerLine=3"), "{told}");
}
