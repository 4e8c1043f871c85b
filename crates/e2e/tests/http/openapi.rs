//! The description of the API: it is served with its page, and the API does what it says.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::time::Duration;

use local::token::{TokenOptions, token};
use serde_json::Value;
use testkit::TestEnv;

use crate::support::{api, failure, http, platform};
use crate::tools::{program, root, run};

const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";
/// What Schemathesis may spend on generated requests.
const BUDGET_S: u32 = 70;

#[tokio::test]
async fn the_document_that_is_committed_is_served() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let answer = http().get(format!("{}/openapi.json", api.url())).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let served: Value = answer.json().await.unwrap();
    let committed: Value =
        serde_json::from_slice(&fs::read(root().join("docs/openapi.json")).unwrap()).unwrap();
    assert!(served == committed, "run ./scripts/write-openapi");
    assert_eq!(served["openapi"], "3.1.0");

    let about: Value = http().get(api.url()).send().await.unwrap().json().await.unwrap();
    let endpoints = about["data"]["endpoints"].as_array().unwrap();
    for endpoint in ["GET /docs", "GET /openapi.json", "GET /bulk-actions/{id}/events", "POST /bulk-actions"]
    {
        assert!(endpoints.contains(&endpoint.into()), "{endpoint}");
    }
}

#[tokio::test]
async fn the_page_for_people_needs_no_other_host() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    for page in ["/docs", "/docs/"] {
        let answer = http().get(format!("{}{page}", api.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"), "{policy}");
        let text = answer.text().await.unwrap();
        // As the policy has it, a script of the page's own would not run.
        assert!(!text.contains("://") && !text.contains("<script>"), "{text}");
        let assets: Vec<_> = text.split("href=\"").chain(text.split("src=\"")).skip(1).collect();
        let assets: Vec<_> =
            assets.iter().filter_map(|rest| rest.split_once('"')).map(|(one, _)| one).collect();
        let base = reqwest::Url::parse(&format!("{}{page}", api.url())).unwrap();
        let mut seen = 0;
        for asset in assets.into_iter().filter(|asset| asset.contains('.')) {
            let url = base.join(asset).unwrap();
            assert!(url.path().starts_with("/docs/"), "{url}");
            let answer = http().get(url.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{url}");
            assert!(!answer.bytes().await.unwrap().is_empty(), "{url}");
            seen += 1;
        }
        assert!(seen >= 7, "{seen} files: {text}");
    }
    let settings = http().get(format!("{}/docs/swagger-initializer.js", api.url())).send().await.unwrap();
    let settings = settings.text().await.unwrap();
    assert!(settings.contains("\"/openapi.json\"") && !settings.contains("://"), "{settings}");
    let stranger = http().get(format!("{}/docs/none.js", api.url())).send().await.unwrap();
    assert_eq!(failure(stranger).await.0, 404);
}

#[tokio::test]
async fn schemathesis_finds_nothing_that_the_document_does_not_say() {
    let Some(schemathesis) = program("schemathesis") else { return };
    let env = TestEnv::new().await;
    let limits = "1000000";
    let settings = [
        ("AUTH_MODE", "jwt"),
        ("JWT_SECRET", SECRET),
        ("RATE_LIMIT_MAX_REQUESTS", limits),
        ("BULK_ACTION_RATE_LIMIT", limits),
        ("ADDRESS_RATE_LIMIT", limits),
    ];
    let platform = platform(&env, &settings).await;
    let caller =
        TokenOptions { account: "acme".to_owned(), scope: None, expires_in: Duration::from_secs(3600) };
    let token = token(&caller, SECRET).unwrap();
    let files = root().join("crates/e2e/tests/http/schemathesis");
    let mut arguments: Vec<OsString> = vec!["--config-file".into(), files.join("schemathesis.toml").into()];
    let run_arguments = [
        "run",
        &format!("{}/openapi.json", platform.url()),
        "--header",
        &format!("Authorization: Bearer {token}"),
        "--checks=all",
        "--max-examples=15",
        "--seed=20260131",
        "--continue-on-failure",
        &format!("--max-time={BUDGET_S}"),
    ];
    arguments.extend(run_arguments.map(Into::into));
    let document = root().join("docs/openapi.json");
    let variables: [(&str, &OsStr); 4] = [
        ("SCHEMATHESIS_HOOKS", OsStr::new("hooks")),
        ("PYTHONPATH", files.as_os_str()),
        ("PYTHONDONTWRITEBYTECODE", OsStr::new("1")),
        ("BULK_OPENAPI", document.as_os_str()),
    ];
    run(&schemathesis, arguments, &variables, Duration::from_secs(240)).await;
}
