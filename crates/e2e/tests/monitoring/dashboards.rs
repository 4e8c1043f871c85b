//! Every panel of every dashboard shows data after some work.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use serde_json::Value;
use testkit::{Client, Platform, PlatformOptions, TestEnv, Upload};

use super::prometheus::{Prometheus, promtool};
use super::{DEADLINE, contacts, root};

const MEMBERS: [(&str, &str); 4] = [
    ("api", "api"),
    ("chunking-worker", "chunking-worker-1"),
    ("processing-worker", "processing-worker-1"),
    ("processing-worker", "processing-worker-2"),
];

/// A query of a panel, as (dashboard and panel, data source, expression).
fn queries() -> Vec<(String, String, String)> {
    let mut queries = Vec::new();
    for file in fs::read_dir(root().join("docker/grafana/dashboards")).unwrap() {
        let path = file.unwrap().path();
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            let name =
                format!("{}: {}", dashboard["title"].as_str().unwrap(), panel["title"].as_str().unwrap());
            for target in panel["targets"].as_array().unwrap() {
                let source = target["datasource"]["uid"].as_str().unwrap().to_owned();
                queries.push((name.clone(), source, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    queries
}

/// Runs an action, and requests of other kinds.
async fn work(client: &Client) {
    let id = client.upload(contacts(40), &Upload::contacts("bulk_upsert")).await;
    client.wait_finished(&id, DEADLINE).await;
    client.get("/bulk-actions").await;
    client.get("/bulk-actions/no-such-action").await;
}

#[tokio::test]
async fn every_panel_shows_data_after_some_work() {
    let env = TestEnv::new().await;
    let settings = [("CHUNK_SIZE".to_owned(), "10".to_owned())].into();
    let platform = Platform::start(&env, PlatformOptions { settings, ..PlatformOptions::default() }).await;
    let Some(prometheus) = Prometheus::start(&platform, &MEMBERS).await else { return };

    let mut empty: BTreeSet<(String, String)> = queries()
        .into_iter()
        .filter(|(_, source, _)| source == "prometheus")
        .map(|(panel, _, expression)| (panel, expression.replace("$__rate_interval", "1m")))
        .collect();
    assert!(empty.len() > 30, "the dashboards are not where they are looked for");
    let deadline = Instant::now() + DEADLINE;
    // Rates need growth between two scrapes, so the work continues until every panel has data.
    while !empty.is_empty() {
        assert!(Instant::now() < deadline, "panels without data: {empty:#?}");
        work(&platform.client("acme")).await;
        for (panel, expression) in empty.clone() {
            if prometheus.query(&expression).await.iter().any(|value| value.is_finite()) {
                empty.remove(&(panel, expression));
            }
        }
    }
    // No alert fires for a healthy platform.
    assert_eq!(prometheus.query(r#"ALERTS{alertstate="firing"}"#).await, Vec::<f64>::new());
    lint_metrics(&platform).await;
}

/// Names and types follow the rules of Prometheus' own linter.
async fn lint_metrics(platform: &Platform) {
    for (_, name) in MEMBERS {
        let url = format!("http://127.0.0.1:{}/metrics", platform.health_port(name));
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        assert!(text.contains("bulk_queue_length{queue=\"processing\"}"), "{name}: {text}");
        promtool(&["check", "metrics"], &text);
    }
}

#[test]
fn log_panels_ask_for_labels_and_fields_that_exist() {
    let log_queries: Vec<_> = queries().into_iter().filter(|(_, source, _)| source == "loki").collect();
    assert!(!log_queries.is_empty());
    for (panel, _, expression) in log_queries {
        let selector = r#"{service=~"api|chunking-worker|processing-worker"} |= "$id" | json"#;
        assert!(expression.contains(selector), "{panel}: {expression}");
    }
}
