//! `POST /uploads/inspect`: the preview of an upload.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use testkit::{Platform, TestEnv};

use crate::support::{api, http, refusal};

async fn post(api: &Platform, form: Form) -> reqwest::Response {
    let url = format!("{}/uploads/inspect", api.url());
    http().post(url).header("account-id", "acme").multipart(form).send().await.unwrap()
}

/// The preview of a file with these fields.
async fn look(api: &Platform, bytes: impl Into<Vec<u8>>, fields: &[(&str, &str)]) -> Value {
    let file = Part::bytes(bytes.into()).file_name("a.csv").mime_str("text/csv").unwrap();
    let form = Form::new().text("entityType", "contact").part("file", file);
    let form =
        fields.iter().fold(form, |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
    let answer = post(api, form).await;
    assert_eq!(answer.status(), 200);
    let mut body: Value = answer.json().await.unwrap();
    body["data"].take()
}

#[tokio::test]
async fn a_look_says_what_an_upload_would_meet_and_stores_nothing() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let text = "sep=;\n\nE-Mail Adress;Name;phone;\nada@example.com;Ada;1;\n;;;\nnonsense;;2;\nbob@example.com;\"Bob;3\n";
    let seen = look(&api, text, &[]).await;
    assert_eq!(
        (&seen["encoding"], &seen["delimiter"], &seen["headerLine"]),
        (&json!("UTF-8"), &json!(";"), &json!(3))
    );
    assert_eq!(seen["complete"], true);
    let columns = seen["columns"].as_array().unwrap();
    assert_eq!(columns[1]["suggestion"], json!({ "column": "name", "confidence": 1.0 }));
    assert_eq!(columns[0]["suggestion"]["column"], "email");
    assert!(columns[0]["suggestion"]["confidence"].as_f64().unwrap() < 1.0);
    assert_eq!(columns[2]["suggestion"], Value::Null);
    assert_eq!((&columns[1]["position"], &columns[1]["fillRate"]), (&json!(2), &json!(0.5)));
    assert_eq!(columns[0]["samples"], json!(["ada@example.com", "nonsense"]));
    let rows = seen["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["row"], &rows[0]["line"]), (&json!(1), &json!(4)));
    assert_eq!(rows[2]["status"], "malformed");
    assert!(rows[2]["problems"][0]["message"].as_str().unwrap().contains("line 7 opens a quote in column 2"));
    assert_eq!(seen["missing"]["bulk_create"], json!(["email"]));
    assert_eq!(seen["problems"].as_array().unwrap().len(), 2, "{seen:#}");

    let mapped = look(
        &api,
        text,
        &[("mapping", r#"{"E-Mail Adress":"email","phone":null}"#), ("actionType", "bulk_create")],
    )
    .await;
    assert_eq!(mapped["problems"], json!([]), "{mapped:#}");
    assert_eq!(mapped["columns"][0]["suggestion"], json!({ "column": "email", "confidence": 1.0 }));
    assert_eq!(mapped["rows"][0]["status"], "valid");
    assert_eq!(mapped["rows"][1]["status"], "invalid");
    assert_eq!(mapped["rows"][1]["problems"][0]["column"], "email");
    assert_eq!(mapped["missing"]["bulk_create"], json!([]));

    let left: i64 =
        sqlx::query_scalar("SELECT (SELECT count(*) FROM uploads) + (SELECT count(*) FROM bulk_actions)")
            .fetch_one(env.pool())
            .await
            .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_start_of_a_file_is_enough() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let rows: String = (0..20_000).map(|n| format!("user{n}@example.com,\"User\n{n}\"\n")).collect();
    let text = format!("email,name\n{rows}").into_bytes();
    for length in [256 * 1024, 256 * 1024 + 7, text.len()] {
        let seen = look(&api, &text[..length], &[("actionType", "bulk_create")]).await;
        assert_eq!(seen["complete"], false);
        assert_eq!(seen["problems"], json!([]), "{seen:#}");
        assert_eq!(seen["rows"].as_array().unwrap().len(), 20);
    }
}

#[tokio::test]
async fn titles_above_the_header_are_left_out_where_its_line_is_named() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let text = "\"Customers\nof the year\"\nmade on 1 May, by Ada\n\nemail;name\nada@example.com;Ada\n";
    let seen = look(&api, text, &[]).await;
    assert_eq!((&seen["headerLine"], &seen["likelyHeaderLine"]), (&json!(1), &json!(5)), "{seen:#}");
    assert!(seen["problems"][0]["message"].as_str().unwrap().contains("send headerLine=5"), "{seen:#}");
    // Though the title is left out: then the required columns are what is missing.
    let left_out = [("unknownColumns", "ignore"), ("actionType", "bulk_create")];
    let seen = look(&api, text, &left_out).await;
    assert_eq!(seen["likelyHeaderLine"], 5, "{seen:#}");
    assert!(seen["problems"][0]["message"].as_str().unwrap().contains("send headerLine=5"), "{seen:#}");
    let seen = look(&api, text, &[("headerLine", "5")]).await;
    assert_eq!((&seen["headerLine"], &seen["likelyHeaderLine"]), (&json!(5), &Value::Null));
    assert_eq!((&seen["delimiter"], &seen["problems"]), (&json!(";"), &json!([])), "{seen:#}");
    assert_eq!((&seen["rows"][0]["row"], &seen["rows"][0]["line"]), (&json!(1), &json!(6)));
    for (line, problem) in [("4", "line 4 is blank"), ("40", "the file ends before line 40")] {
        let seen = look(&api, text, &[("headerLine", line)]).await;
        assert_eq!(
            (&seen["headerLine"], &seen["problems"][0]["field"]),
            (&Value::Null, &json!("headerLine"))
        );
        assert!(seen["problems"][0]["message"].as_str().unwrap().starts_with(problem), "{seen:#}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_said_to_be_so() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let windows = b"email,name\na@example.com,M\xfcller und S\xf6hne\n";
    let seen = look(&api, &windows[..], &[]).await;
    assert_eq!(seen["encoding"], "UTF-8");
    assert!(seen["problems"][0]["message"].as_str().unwrap().contains("encoding=windows-1252"), "{seen:#}");
    assert_eq!(seen["likelyEncoding"], "windows-1252");
    let seen = look(&api, &windows[..], &[("encoding", "windows-1252")]).await;
    assert_eq!((&seen["problems"], &seen["rows"][0]["cells"][1]), (&json!([]), &json!("Müller und Söhne")));
    let seen = look(&api, "<!DOCTYPE html>\n<html>", &[]).await;
    assert!(seen["problems"][0]["message"].as_str().unwrap().contains("web page"), "{seen:#}");
    assert_eq!(seen["columns"], json!([]));
}

#[tokio::test]
async fn an_inspection_with_invalid_fields_is_refused() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let file = || Part::bytes(&b"email\na@example.com\n"[..]).file_name("a.csv");
    for (form, field) in [
        (Form::new().part("file", file()), "entityType"),
        (Form::new().text("entityType", "contact"), "file"),
        (Form::new().text("entityType", "contact").text("mapping", "[").part("file", file()), "mapping"),
        (
            Form::new().text("entityType", "contact").text("headerLine", "0").part("file", file()),
            "headerLine",
        ),
        (
            Form::new().text("entityType", "contact").part("file", Part::bytes(Vec::new()).file_name("")),
            "file",
        ),
    ] {
        let (status, code, told) = refusal(post(&api, form).await).await;
        assert_eq!((status, code.as_str()), (400, "validation_failed"));
        assert!(told.contains(&format!("\"field\":\"{field}\"")), "{told}");
    }
}
