//! The form around the file: order, repetition, damage, content types.

use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use testkit::{Platform, TestEnv};
use tokio::io::AsyncReadExt;

use crate::support::{api, http, nothing_is_left, refusal};

const CSV: &str = "email,name\na@example.com,A\n";

async fn post(api: &Platform, form: Form) -> Response {
    let request = http().post(format!("{}/bulk-actions", api.url())).header("account-id", "acme");
    request.multipart(form).send().await.unwrap()
}

async fn post_raw(api: &Platform, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
    let request = http().post(format!("{}/bulk-actions", api.url())).header("account-id", "acme");
    request.header("content-type", content_type).body(body.into()).send().await.unwrap()
}

fn file(bytes: impl Into<Vec<u8>>, name: &str, content_type: &str) -> Part {
    let part = Part::bytes(bytes.into()).file_name(name.to_owned());
    if content_type.is_empty() { part } else { part.mime_str(content_type).unwrap() }
}

fn fields() -> Form {
    Form::new().text("entityType", "contact").text("actionType", "bulk_create")
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = async_compression::tokio::bufread::GzipEncoder::new(bytes);
    encoder.read_to_end(&mut packed).await.unwrap();
    packed
}

#[tokio::test]
async fn fields_may_come_in_any_order() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let part = || file("E-Mail,name\na@example.com,A\n", "a.csv", "text/csv");
    let mapping = r#"{"E-Mail":"email"}"#;
    let forms = [
        fields().text("mapping", mapping).part("file", part()),
        Form::new()
            .part("file", part())
            .text("mapping", mapping)
            .text("actionType", "bulk_create")
            .text("entityType", "contact"),
        Form::new()
            .text("mapping", mapping)
            .part("file", part())
            .text("actionType", "bulk_create")
            .text("entityType", "contact"),
    ];
    for form in forms {
        let answer = post(&api, form).await;
        let status = answer.status();
        let location = answer.headers().get("location").cloned();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{body}");
        let id = body["data"]["id"].as_str().unwrap();
        assert_eq!(location.unwrap(), format!("/bulk-actions/{id}").as_str());
    }
}

#[tokio::test]
async fn a_file_is_told_by_its_type_and_name() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let packed = gzip(CSV.as_bytes()).await;
    let taken = [
        ("a.csv", "text/csv", CSV.as_bytes()),
        ("a.txt", "text/csv; charset=utf-8", CSV.as_bytes()),
        ("a.csv", "application/csv", CSV.as_bytes()),
        ("a", "text/plain", CSV.as_bytes()),
        ("a.csv", "application/vnd.ms-excel", CSV.as_bytes()),
        ("A.CSV", "application/octet-stream", CSV.as_bytes()),
        ("a.csv", "", CSV.as_bytes()),
        ("a.csv", "application/json", CSV.as_bytes()),
        ("a", "application/octet-stream", CSV.as_bytes()),
        ("a.tsv", "text/tab-separated-values", CSV.as_bytes()),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", CSV.as_bytes()),
        ("a.csv.gz", "application/gzip", &packed),
        ("a.csv.gz", "application/x-gzip", &packed),
        ("a.csv.gz", "application/octet-stream", &packed),
        ("a.csv.gz", "text/csv", &packed),
    ];
    for (name, content_type, bytes) in taken {
        let answer = post(&api, fields().part("file", file(bytes, name, content_type))).await;
        assert_eq!(answer.status(), 201, "{name} {content_type}: {}", answer.text().await.unwrap());
    }
    for (name, content_type) in [
        ("a.json", "application/json"),
        ("a.png", "image/png"),
        ("a.zip", "application/zip"),
        ("a", "application/pdf"),
    ] {
        let answer = post(&api, fields().part("file", file(CSV, name, content_type))).await;
        let (status, code, told) = refusal(answer).await;
        assert_eq!((status, code.as_str()), (415, "unsupported_media_type"), "{name} {content_type}");
        assert!(told.contains("text/csv"), "{told} should say what would be right");
    }
}

#[tokio::test]
async fn a_form_that_is_not_right_is_refused_with_the_field() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let part = || file(CSV, "a.csv", "text/csv");
    let too_long = "x".repeat(70_000);
    let forms = [
        (fields(), "file", "is required"),
        (Form::new().part("file", part()), "entityType", "is required"),
        (Form::new().part("file", part()), "actionType", "is required"),
        (fields().part("file", part()).part("file", part()), "file", "only once"),
        (fields().text("entityType", "contact").part("file", part()), "entityType", "only once"),
        (fields().part("file", part()).text("dryrun", "true"), "dryrun", "unknown field"),
        (fields().part("file", part()).text("dryRun", "2"), "dryRun", "true or false"),
        (fields().part("file", part()).text("encoding", "klingon"), "encoding", "label of an encoding"),
        (fields().part("file", part()).text("delimiter", ":"), "delimiter", "must be one of"),
        (fields().part("file", part()).text("headerLine", "101"), "headerLine", "from 1 to 100"),
        (
            fields().part("file", part()).text("headerLine", "40"),
            "headerLine",
            "the file ends before line 40",
        ),
        (fields().part("file", part()).text("timezone", "Mars"), "timezone", "time zone"),
        (
            fields().part("file", part()).text("defaults", r#"{"name":"A"}"#),
            "name",
            "the file has the column",
        ),
        (fields().part("file", file("", "", "")), "file", "no file was chosen"),
        (fields().part("file", part()).text("onConflict", "Skip"), "onConflict", "skip, error, update"),
        (fields().part("file", part()).text("scheduledAt", "2020-01-01T00:00:00Z"), "scheduledAt", "future"),
        (fields().part("file", part()).text("scheduledAt", "2999-13-01"), "scheduledAt", "RFC 3339"),
        (fields().part("file", part()).text("mapping", "email=email"), "mapping", "JSON object"),
        (fields().part("file", part()).text("mapping", "[1]"), "mapping", "JSON object"),
        (fields().part("file", part()).text("mapping", r#"{"x":"email"}"#), "x", "the file does not have"),
        (fields().part("file", part()).text("mapping", r#"{"name":"nme"}"#), "name", "did you mean `name`"),
        (
            fields().part("file", part()).text("mapping", r#"{"name":"email"}"#),
            "name",
            "both stand for `email`",
        ),
        (fields().part("file", part()).text("mapping", too_long), "mapping", "at most 65536 bytes"),
    ];
    for (form, field, rule) in forms {
        let (status, code, told) = refusal(post(&api, form).await).await;
        assert_eq!((status, code.as_str()), (400, "validation_failed"), "{told}");
        assert!(
            told.contains(&format!("\"field\":\"{field}\"")) && told.contains(rule),
            "{told}: {field} {rule}"
        );
    }
    nothing_is_left(&env).await;
}

#[tokio::test]
async fn a_damaged_body_is_refused_and_leaves_nothing() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let part = |name: &str, value: &str| {
        format!("--X\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = format!(
        "--X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\ncontent-type: text/csv\r\n\r\n{CSV}\r\n"
    );
    let fields = part("entityType", "contact") + &part("actionType", "bulk_create");
    let whole = format!("{fields}{file}--X--\r\n");
    let form = "multipart/form-data; boundary=X";
    assert_eq!(post_raw(&api, form, whole.clone()).await.status(), 201);
    sqlx::query("DELETE FROM bulk_actions").execute(env.pool()).await.unwrap();

    let nameless = "--X\r\ncontent-type: text/csv\r\n\r\na,b\r\n";
    let no_text = part("entityType", "\u{e9}").into_bytes().into_iter().filter(|byte| *byte != 0xa9);
    let many = part("extra", "x").repeat(40);
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        (form, Vec::new(), 400),
        (form, b"no multipart at all".to_vec(), 400),
        (form, whole[..whole.len() - 8].into(), 400),
        (form, whole[..whole.len() / 2].into(), 400),
        (form, format!("{fields}{file}").into(), 400),
        (form, format!("{fields}{nameless}{file}--X--\r\n").into(), 400),
        (form, no_text.chain(file.bytes()).chain(*b"--X--\r\n").collect(), 400),
        (form, format!("{many}{fields}{file}--X--\r\n").into(), 400),
        ("multipart/form-data; boundary=Y", whole.clone().into(), 400),
        ("multipart/form-data", whole.clone().into(), 400),
        ("multipart/mixed; boundary=X", whole.clone().into(), 415),
        ("application/x-www-form-urlencoded", b"entityType=contact".to_vec(), 415),
        ("text/csv", CSV.into(), 415),
        ("application/json", b"{}".to_vec(), 415),
    ];
    for (content_type, body, expected) in cases {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let (status, _, told) = refusal(post_raw(&api, content_type, body).await).await;
        assert_eq!(status, expected, "{content_type}: {shown}: {told}");
    }
    // The rows of the accepted action above are gone, so only its file remains; check that it is the only one.
    let raw =
        bulk_core::config::Config::from_settings(&bulk_core::config::Settings::from_iter(env.settings()))
            .unwrap();
    let store = bulk_core::storage::ObjectStore::new(&raw.storage);
    let left = store.list("accounts/", None).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    store.delete_all(&left).await.unwrap();
    nothing_is_left(&env).await;
}

#[tokio::test]
async fn gzip_is_opened_with_care() {
    let env = TestEnv::new().await;
    let api = api(&env, &[("MAX_FILE_SIZE_MB", "1")]).await;
    let rows =
        |count: usize| -> String { (0..count).map(|n| format!("u{n}@example.com,U\n")).collect::<String>() };
    let text = format!("email,name\n{}", rows(1000));
    let good = gzip(text.as_bytes()).await;
    let members = [gzip(b"email,name\na@example.com,A\n").await, gzip(b"b@example.com,B\n").await].concat();
    for (bytes, rows) in [(good.clone(), 1000), (members, 2)] {
        let answer = post(&api, fields().part("file", file(bytes, "a.csv.gz", "application/gzip"))).await;
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["data"]["totalEntities"], rows, "{body}");
    }
    sqlx::query("DELETE FROM bulk_actions").execute(env.pool()).await.unwrap();

    // A megabyte of rows more than allowed, and two gigabytes of nothing in two megabytes, of which only a part is
    // read.
    let bomb = gzip(format!("email,name\n{}", rows(80_000)).as_bytes()).await;
    let blank = gzip(&[b"email,name\n".to_vec(), vec![b'\n'; 200 << 20]].concat()).await;
    let endless = gzip(&[b"email,name\n\"".to_vec(), vec![b'x'; 50 << 20]].concat()).await;
    let mut wrong_sum = good.clone();
    *wrong_sum.iter_mut().nth_back(6).unwrap() ^= 1;
    let nested = gzip(&good).await;
    for (what, bytes, status, reason) in [
        ("too many rows", bomb, 413, "larger than 1048576 bytes when decompressed"),
        ("blank lines", blank, 413, "larger than 1048576 bytes when decompressed"),
        ("an endless field", endless, 413, "larger than 1048576 bytes when decompressed"),
        ("cut off", good[..good.len() / 2].to_vec(), 400, "gzip file is damaged or incomplete"),
        (
            "cut off in its trailer",
            good[..good.len() - 1].to_vec(),
            400,
            "gzip file is damaged or incomplete",
        ),
        ("wrong sum", wrong_sum, 400, "gzip file is damaged or incomplete"),
        ("garbage after it", [good.clone(), b"garbage".to_vec()].concat(), 400, "gzip file is damaged"),
        ("only its first bytes", vec![0x1f, 0x8b], 400, "gzip file is damaged or incomplete"),
        ("gzip in gzip", nested, 400, "a gzip file inside a gzip file"),
    ] {
        let answer = post(&api, fields().part("file", file(bytes, "a.csv.gz", "application/gzip"))).await;
        let (found, _, told) = refusal(answer).await;
        assert_eq!(found, status, "{what}: {told}");
        assert!(told.contains(reason), "{what}: {told}");
    }
}
