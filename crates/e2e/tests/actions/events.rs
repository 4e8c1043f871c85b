//! `GET /bulk-actions/{id}/events`.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::Response;
use serde_json::Value;
use testkit::{Platform, PlatformOptions, Upload};
use tokio::time::timeout;

use crate::support::{Bench, DEADLINE, file};

/// An event of a stream.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

/// An open stream.
struct Events {
    answer: Response,
    text: String,
}

impl Events {
    async fn open(url: &str, id: &str) -> Self {
        let answer = get(url, id, None).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert!(answer.headers().contains_key("x-trace-id"));
        Self { answer, text: String::new() }
    }

    /// The next event; `None` after the regular end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
                continue;
            }
            let piece = timeout(DEADLINE, self.answer.chunk()).await.expect("an event in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// `None` for a comment.
fn parse(block: &str) -> Option<Event> {
    let fields: BTreeMap<_, _> = block.lines().filter_map(|line| line.split_once(": ")).collect();
    Some(Event {
        name: (*fields.get("event")?).to_owned(),
        id: fields["id"].to_owned(),
        data: serde_json::from_str(fields["data"]).unwrap(),
    })
}

async fn get(url: &str, id: &str, last_event_id: Option<&str>) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.get(format!("{url}/bulk-actions/{id}/events")).header("account-id", "acme");
    if let Some(last) = last_event_id {
        request = request.header("last-event-id", last);
    }
    request.send().await.unwrap()
}

/// Checks the rules that every stream follows.
fn check(events: &[Event], total: u64) {
    let processed: Vec<_> =
        events.iter().map(|event| event.data["processedRecords"].as_u64().unwrap()).collect();
    assert!(processed.is_sorted(), "{processed:?}");
    let (last, before) = events.split_last().unwrap();
    assert!(!before.is_empty() && before.iter().all(|event| event.name == "progress"));
    assert_eq!((last.name.as_str(), last.data["processedRecords"].as_u64()), ("done", Some(total)));
    for event in events {
        assert_eq!(event.data["totalRecords"].as_u64(), Some(total));
    }
}

fn rows(count: usize) -> String {
    file((1..=count).map(|n| format!("user{n}@example.com,Name,1")))
}

/// A platform without workers, so that its actions wait.
async fn without_workers() -> (Bench, String) {
    let bench = Bench::without_workers().await;
    let id = bench.client().upload(rows(300), &Upload::contacts("bulk_create")).await;
    (bench, id)
}

#[tokio::test]
async fn events_follow_an_action_to_its_end_over_several_instances() {
    let (bench, id) = without_workers().await;
    let mut first = Events::open(&bench.platform.url(), &id).await;
    let at_once = first.next().await.unwrap();
    assert_eq!((at_once.name.as_str(), at_once.data["processedRecords"].as_u64()), ("progress", Some(0)));
    assert_eq!(at_once.data["actionId"], id.as_str());
    assert_eq!(
        (at_once.data["rowsPerSecond"].as_f64(), &at_once.data["etaSeconds"]),
        (Some(0.0), &Value::Null)
    );

    // Workers that belong to another instance.
    let other = Platform::start(&bench.env, PlatformOptions::default()).await;
    let second = Events::open(&other.url(), &id).await;
    for events in [first.rest().await, second.rest().await] {
        check(&events, 300);
        let done = &events.last().unwrap().data;
        assert_eq!((done["status"].as_str(), done["outcome"].as_str()), (Some("completed"), Some("success")));
        assert_eq!((done["successfulRecords"].as_u64(), done["etaSeconds"].as_u64()), (Some(300), Some(0)));
    }

    // The action is finished: all events come at once, and none for a browser that has seen the end.
    let again = Events::open(&bench.platform.url(), &id).await.rest().await;
    check(&again, 300);
    assert_eq!(again.len(), 2);
    let end = get(&bench.platform.url(), &id, Some(&again[1].id)).await;
    assert_eq!(end.status(), 204);
    assert_eq!(get(&bench.platform.url(), &id, Some("whatever")).await.status(), 200);
}

#[tokio::test]
async fn nobodys_action_is_not_found_before_the_stream_begins() {
    let (bench, id) = without_workers().await;
    let foreign = bench.platform.client("other").get(&format!("/bulk-actions/{id}/events")).await;
    let unknown = bench.client().get("/bulk-actions/0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11/events").await;
    for answer in [foreign, unknown] {
        assert_eq!(answer.status(), 404);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "not_found");
    }
}

#[tokio::test]
async fn many_listeners_cost_one_query_and_leave_nothing_behind() {
    let (bench, id) = without_workers().await;
    let mut listeners = Vec::new();
    for _ in 0..50 {
        let mut listener = Events::open(&bench.platform.url(), &id).await;
        listener.next().await.unwrap();
        listeners.push(listener);
    }
    // More streams than the pool has connections. If each needed one, other requests would wait without success.
    assert_eq!(bench.client().stats(&id).await["processedRecords"], 0);
    drop(listeners);
    let mut late = Events::open(&bench.platform.url(), &id).await;
    assert_eq!(late.next().await.unwrap().name, "progress");
}

#[tokio::test]
async fn a_shutdown_ends_the_streams() {
    let (mut bench, id) = without_workers().await;
    let mut listener = Events::open(&bench.platform.url(), &id).await;
    listener.next().await.unwrap();
    bench.platform.kill("api", Signal::SIGTERM).await;
    assert!(listener.next().await.is_none(), "the stream ends, and ends properly");
    // Well before the shutdown timeout, after which the process would abort running requests.
    assert!(bench.platform.wait_end("api", Duration::from_secs(15)).await.success());
}
