//! Shared parts of these tests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bulk_core::config::{Config, Settings};
use bulk_core::storage::ObjectStore;
use reqwest::Response;
use serde_json::Value;
use testkit::{Platform, PlatformOptions, TestEnv};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// Generous: tests run in parallel on few cores.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// An HTTP client without credentials.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Only the API: these tests need no workers.
pub(crate) async fn api(env: &TestEnv, settings: &[(&str, &str)]) -> Platform {
    start(env, settings, 0).await
}

/// The API with one worker of each kind.
pub(crate) async fn platform(env: &TestEnv, settings: &[(&str, &str)]) -> Platform {
    start(env, settings, 1).await
}

async fn start(env: &TestEnv, settings: &[(&str, &str)], workers: u16) -> Platform {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = PlatformOptions { processing_workers: workers, chunking_workers: workers, settings };
    Platform::start(env, options).await
}

/// Status and body of a response, which must be an error in the envelope.
pub(crate) async fn failure(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let trace = answer.headers()["x-trace-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["success"], false, "{body}");
    assert_eq!(body["traceId"], trace.as_str(), "{body}");
    assert!(body["timestamp"].is_string() && body["error"]["details"].is_array(), "{body}");
    (status, body)
}

/// Status, code and all messages of an error response.
pub(crate) async fn refusal(answer: Response) -> (u16, String, String) {
    let (status, body) = failure(answer).await;
    let told = format!("{} {}", body["message"].as_str().unwrap(), body["error"]["details"]);
    (status, body["error"]["code"].as_str().unwrap().to_owned(), told)
}

/// A connection on which a test writes raw HTTP.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) async fn open(platform: &Platform) -> Self {
        Self(TcpStream::connect(platform.url().trim_start_matches("http://")).await.unwrap())
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next response, whose body has a declared length: its head in lower case, and its body.
    pub(crate) async fn receive(&mut self) -> (String, String) {
        let mut bytes = Vec::new();
        loop {
            assert_ne!(
                self.0.read_buf(&mut bytes).await.unwrap(),
                0,
                "closed: {}",
                String::from_utf8_lossy(&bytes)
            );
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.unwrap().parse().unwrap() {
                return (head, body.to_owned());
            }
        }
    }
}

/// Waits until neither database nor object storage holds anything of an upload or an action.
pub(crate) async fn nothing_is_left(env: &TestEnv) {
    let config = Config::from_settings(&Settings::from_iter(env.settings())).unwrap();
    let end = Instant::now() + DEADLINE;
    let count = "SELECT (SELECT count(*) FROM uploads) + (SELECT count(*) FROM bulk_actions)";
    loop {
        let rows: i64 = sqlx::query_scalar(count).fetch_one(env.pool()).await.unwrap();
        if rows == 0 {
            break;
        }
        assert!(Instant::now() < end, "{rows} rows are left");
        sleep(Duration::from_millis(50)).await;
    }
    let store = ObjectStore::new(&config.storage);
    assert_eq!(store.list("accounts/", None).await.unwrap(), [""; 0], "objects are left");
}
