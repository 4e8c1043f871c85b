//! Strings that broke other programs, in every place where a client can send one.

use std::collections::BTreeMap;

use bulk_core::value::clean;
use testkit::{TestEnv, Upload};

use crate::support::{DEADLINE, api, platform};

/// From the Big List of Naughty Strings: one of each kind.
const NAUGHTY: &[&str] = &[
    "undefined",
    "null",
    "NULL",
    "(null)",
    "nil",
    "NaN",
    "Infinity",
    "true",
    "0x0",
    "1e1000",
    "-0",
    "1/0",
    "\\",
    "\\\\",
    "''",
    "'",
    "\"",
    "`",
    ";",
    "--",
    "/*",
    "%s%n",
    "%00",
    "${jndi:ldap://x/a}",
    "{{7*7}}",
    "$(id)",
    "`id`",
    "| id",
    "Robert'); DROP TABLE contacts;--",
    "' OR '1'='1",
    "1; SELECT pg_sleep(10)",
    "\\x00",
    "E'\\\\'",
    "$1",
    "$$x$$",
    "\\N",
    "\\.",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "&lt;",
    "../../../etc/passwd",
    "C:\\Windows",
    "file:///etc/passwd",
    "CON",
    "LPT1",
    ".",
    "..",
    "/",
    "//",
    "=1+1",
    "=HYPERLINK(\"http://x\")",
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "|calc",
    "%0A",
    "=cmd|' /C calc'!A0",
    "\u{202e}olleh",
    "\u{200b}",
    "\u{feff}x",
    "\u{2028}",
    "\u{2029}",
    "\u{a0}",
    "\u{85}",
    "\u{ad}soft",
    "a\u{300}\u{301}\u{302}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f1e9}\u{1f1ea}",
    "\u{10ffff}",
    "\u{fffd}",
    "\u{e000}",
    "\u{fffe}",
    "\u{1d400}",
    "田中さんにあげて下さい",
    "הָיְתָה",
    "الكل في المجمو عة",
    "Ⱥ",
    "İ",
    "ß",
    "ﬀ",
    "ǆ",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G",
    "\u{1}",
    "\u{7}",
    "\u{1b}[31m",
    "\u{7f}",
    "a\rb",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a,b",
    "a;b",
    "a\"b\"c",
];

/// A quoted field that keeps every byte.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

#[tokio::test]
async fn naughty_values_come_out_as_they_went_in() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    let mut csv = "email,name\n".to_owned();
    for (n, value) in NAUGHTY.iter().enumerate() {
        csv += &format!("u{n}@example.com,{}\n", quoted(value));
    }
    let id = client.upload(csv, &Upload::contacts("bulk_create")).await;
    let done = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(done["status"], "completed");
    let stored: BTreeMap<String, String> = sqlx::query_as("SELECT email, name FROM contacts")
        .fetch_all(env.pool())
        .await
        .unwrap()
        .into_iter()
        .collect();
    for row in client.results(&id, "").await {
        let n: usize = row["_row"].parse::<usize>().unwrap() - 1;
        assert_eq!(row["name"], NAUGHTY[n], "row {n}");
        match row["_status"].as_str() {
            "success" => assert_eq!(stored[&row["email"]], clean(NAUGHTY[n]), "row {n}"),
            // A name that consists of invisible characters counts as missing.
            _ => assert!(clean(NAUGHTY[n]).is_empty() && row["_reason"].contains("name"), "{row:?}"),
        }
    }
    for row in client.results(&id, "spreadsheetSafe=true").await {
        let is_formula = row["name"].starts_with(['=', '+', '-', '@', '\t', '\r']);
        let is_number = row["name"].parse::<f64>().is_ok();
        assert!(!is_formula || is_number, "{:?} would run", row["name"]);
    }
}

#[tokio::test]
async fn a_nul_cannot_be_stored_and_its_row_says_so() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    let csv = "email,name\na@example.com,A\0B\nb@example.com,B\n\0@example.com,C\n";
    let id = client.upload(csv, &Upload::contacts("bulk_create")).await;
    client.wait_finished(&id, DEADLINE).await;
    let rows = client.results(&id, "").await;
    let codes: Vec<_> = rows.iter().map(|row| row["_reason"].split(':').next().unwrap()).collect();
    assert_eq!(codes, ["invalid", "created", "invalid"], "{rows:?}");
    assert!(rows[0]["_reason"].contains("name"), "{}", rows[0]["_reason"]);
}

#[tokio::test]
async fn naughty_fields_headers_and_paths_are_refused_and_never_our_fault() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let client = api.client("acme");
    let good = "email,name\na@example.com,A\n";
    for value in NAUGHTY {
        let create = Upload::contacts("bulk_create");
        let uploads = [
            (Upload::new(value, "bulk_create"), good.to_owned(), &[400][..]),
            (Upload::new("contact", value), good.to_owned(), &[400]),
            (create.clone().field("mapping", value), good.to_owned(), &[400]),
            (create.clone().field("scheduledAt", value), good.to_owned(), &[400]),
            (create.clone(), format!("email,{}\na@example.com,A\n", quoted(value)), &[400]),
            (create.clone().file_name(value), good.to_owned(), &[201, 400]),
        ];
        for (upload, csv, statuses) in uploads {
            let answer = client.create(csv, &upload).await;
            let status = answer.status().as_u16();
            // An empty field counts as absent, and so does one of invisible characters.
            let is_blank =
                value.chars().all(|character| character.is_whitespace() || character == '\u{feff}');
            let is_expected = statuses.contains(&status) || ((*value == "true" || is_blank) && status == 201);
            assert!(is_expected, "{value:?} gives {status}: {}", answer.text().await.unwrap());
        }
        let mut url: reqwest::Url = format!("{}/bulk-actions", api.url()).parse().unwrap();
        url.query_pairs_mut().append_pair("status", value).append_pair("page", value);
        let path = format!("/bulk-actions?{}", url.query().unwrap());
        assert_eq!(client.get(&path).await.status(), 400, "{path}");
        url.path_segments_mut().unwrap().push(value);
        let path = url.path();
        let status = client.get(path).await.status();
        assert!(
            status == 404 || ["/bulk-actions", "/bulk-actions/", "/"].contains(&path),
            "{path}: {status}"
        );
    }
}
