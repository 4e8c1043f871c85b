//! Tests with a fake Loki on a local socket that decodes the pushed lines.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use loki_api::logproto::PushRequest;
use prost::Message;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// Accepts pushes until a connection fails, and sends each decoded request to the test.
fn play_loki() -> (Url, mpsc::Receiver<PushRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/prefix", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || while answer_push(&mut stream, &sender).is_some() {});
        }
    });
    (Url::parse(&url).unwrap(), requests)
}

fn answer_push(stream: &mut TcpStream, requests: &mpsc::Sender<PushRequest>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("post /prefix/loki/api/v1/push "), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    let body = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    requests.send(PushRequest::decode(body.as_slice()).unwrap()).ok()?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()
}

/// All pushed lines by label.
fn pushed(requests: &mpsc::Receiver<PushRequest>) -> BTreeMap<String, Vec<serde_json::Value>> {
    let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for stream in requests.try_iter().flat_map(|request| request.streams) {
        let lines = stream.entries.iter().map(|entry| serde_json::from_str(&entry.line).unwrap());
        streams.entry(stream.labels).or_default().extend(lines);
    }
    streams
}

fn logged_through(url: &Url, work: impl FnOnce()) {
    let (layer, shipper) = Target::new("api", Environment::Test, url).start().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    drop(shipper);
}

#[test]
fn lines_are_flushed_at_the_end_with_few_labels_and_a_top_level_trace_id() {
    let (url, requests) = play_loki();
    logged_through(&url, || {
        tracing::info_span!("request", traceId = "t-1").in_scope(|| tracing::warn!(rows = 3, "late"));
    });
    let streams = pushed(&requests);
    let (labels, lines) = streams.first_key_value().unwrap();
    for label in [r#"service="api""#, r#"environment="test""#, r#"level="warn""#] {
        assert!(labels.contains(label), "{labels}");
    }
    assert_eq!(labels.matches('=').count(), 3, "{labels}");
    assert_eq!((streams.len(), lines.len()), (1, 1));
    assert_eq!((&lines[0]["traceId"], &lines[0]["message"]), (&"t-1".into(), &"late".into()));
}

#[test]
fn a_loki_that_is_away_or_hangs_neither_blocks_nor_delays_the_end() {
    let closed = Url::parse("http://127.0.0.1:1").unwrap();
    // Connections open because of the listen backlog, but nothing accepts them, so no response ever comes.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    for url in [closed, hanging] {
        let begin = Instant::now();
        logged_through(&url, || (0..10_000).for_each(|row| tracing::info!(row, "line")));
        assert!(begin.elapsed() < FLUSH + Duration::from_secs(3), "{url} took {:?}", begin.elapsed());
    }
}

#[test]
fn a_burst_is_cut_to_what_the_client_can_take() {
    let allowance = Allowance::new();
    let passed = |window| (0..1000).filter(|_| allowance.take_in(window)).count() as u64;
    assert_eq!([passed(0), passed(0), passed(1)], [LINES_PER_WINDOW, 0, LINES_PER_WINDOW]);
}

#[test]
fn lines_of_a_burst_are_delivered_or_counted() {
    metrics::install().unwrap();
    let (url, requests) = play_loki();
    logged_through(&url, || (0..5_000).for_each(|row| tracing::info!(row, "line")));
    let delivered: usize = pushed(&requests).values().map(Vec::len).sum();
    let text = metrics::render();
    let dropped = text.lines().find_map(|line| line.strip_prefix("log_lines_dropped_total "));
    assert_eq!(delivered + dropped.unwrap().parse::<usize>().unwrap(), 5_000);
}

#[test]
fn lines_reach_loki_through_a_row_of_short_lived_clients() {
    let (url, requests) = play_loki();
    let target =
        Target { lifetime: Duration::from_millis(20), ..Target::new("api", Environment::Test, &url) };
    let (layer, shipper) = target.start().unwrap();
    let mut delivered = Vec::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        // The span outlives the client that was active at its start.
        let span = tracing::info_span!("request", traceId = "t-1");
        for seq in 0..10_u64 {
            span.in_scope(|| tracing::info!(seq, "line"));
            // Waits for each line; the next one is written after its client is replaced.
            let request = requests.recv_timeout(Duration::from_secs(5)).expect("the line must be pushed");
            delivered.extend(request.streams.into_iter().flat_map(|stream| stream.entries));
            thread::sleep(Duration::from_millis(30));
        }
    });
    drop(shipper);
    let lines = delivered.iter().map(|entry| serde_json::from_str::<serde_json::Value>(&entry.line).unwrap());
    let seqs: Vec<_> =
        lines.inspect(|line| assert_eq!(line["traceId"], "t-1")).map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, (0..10).map(Some).collect::<Vec<_>>());
}
