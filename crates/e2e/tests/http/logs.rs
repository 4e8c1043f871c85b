//! The access log, and the absence of sensitive data in all logs.

use std::time::{Duration, Instant};

use local::token::{TokenOptions, token};
use serde_json::Value;
use testkit::{Platform, TestEnv, Upload};
use tokio::time::sleep;

use crate::support::{DEADLINE, http, platform};

const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";

/// The log line of a request, once it is written.
async fn access_line(platform: &Platform, trace: &str) -> Value {
    let end = Instant::now() + DEADLINE;
    loop {
        let lines = platform.log("api");
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) =
            lines.into_iter().find(|line| line["message"] == "answered" && line["traceId"] == trace)
        {
            return line;
        }
        assert!(Instant::now() < end, "no line about {trace}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_request_has_a_line_with_who_what_and_how_it_went() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let url = format!("{}/bulk-actions/x?secret=in-the-query", platform.url());
    let request = http().get(url).header("account-id", "acme").header("x-request-id", "order-17");
    let answer = request.send().await.unwrap();
    let trace = answer.headers()["x-trace-id"].to_str().unwrap().to_owned();
    let line = access_line(&platform, &trace).await;
    for (field, value) in [
        ("method", "GET"),
        ("path", "/bulk-actions/x"),
        ("route", "/bulk-actions/{id}"),
        ("accountId", "acme"),
        ("address", "127.0.0.1"),
        ("requestId", "order-17"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert_eq!(line["status"], 404);
    assert!(line["duration_ms"].is_u64(), "{line}");
    assert!(!platform.log("api").contains("in-the-query"));
}

#[tokio::test]
async fn no_secret_is_in_any_log_at_any_level() {
    let env = TestEnv::new().await;
    let settings = [("AUTH_MODE", "jwt"), ("JWT_SECRET", SECRET), ("LOG_LEVEL", "debug")];
    let platform = platform(&env, &settings).await;
    let expires_in = Duration::from_secs(600);
    let token = token(&TokenOptions { account: "acme".into(), scope: None, expires_in }, SECRET).unwrap();
    let bearer = format!("Bearer {token}");
    let upload = Upload::contacts("bulk_create").header("authorization", &bearer);
    let id = platform
        .client("x")
        .upload("email,name\nvery.private@example.com,Row\nnot-an-email,Row\n", &upload)
        .await;
    let get = |path: &str| {
        let request = http().get(format!("{}/bulk-actions/{id}{path}", platform.url()));
        let bearer = bearer.clone();
        async move {
            let text = request.header("authorization", bearer).send().await.unwrap().text().await.unwrap();
            serde_json::from_str::<Value>(&text).unwrap_or_default()
        }
    };
    let end = Instant::now() + DEADLINE;
    let action = loop {
        let action = get("").await;
        if action["data"]["status"] == "completed" {
            break action;
        }
        assert!(Instant::now() < end, "{action:#}");
        sleep(Duration::from_millis(50)).await;
    };
    get("/results").await;
    let link = action["data"]["file"]["downloadUrl"].as_str().unwrap();
    let signature = link.split("X-Amz-Signature=").nth(1).unwrap().split('&').next().unwrap();
    let stores = env.settings();
    let secrets = [
        ("the token", token.as_str()),
        ("the token's signature", token.rsplit('.').next().unwrap()),
        ("JWT_SECRET", SECRET),
        ("the link's signature", signature),
        ("MINIO_SECRET_KEY", &stores["MINIO_SECRET_KEY"]),
        ("DATABASE_URL", &stores["DATABASE_URL"]),
        ("a row", "very.private"),
        ("a bad row", "not-an-email"),
    ];
    for process in ["api", "chunking-worker-1", "processing-worker-1"] {
        let log = platform.log(process);
        assert!(log.contains("\"level\":\"DEBUG\"") || log.contains("\"level\":\"INFO\""), "{log}");
        for (what, secret) in secrets {
            assert!(!log.contains(secret), "{what} is in the log of {process}");
        }
    }
}
