//! Log shipping of the real services to a fake Loki that decodes the pushed lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use loki_api::logproto::PushRequest;
use prost::Message;
use serde_json::Value;
use testkit::{Platform, PlatformOptions, TestEnv, Upload};

use super::{DEADLINE, contacts};

const ROWS: usize = 100;

/// Accepts pushes, and sends each decoded one to the test.
fn play_loki() -> (String, mpsc::Receiver<PushRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, pushes) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || while take_push(&mut stream, &sender).is_some() {});
        }
    });
    (url, pushes)
}

fn take_push(stream: &mut TcpStream, pushes: &mpsc::Sender<PushRequest>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    let body = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    pushes.send(PushRequest::decode(body.as_slice()).unwrap()).ok()?;
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()
}

/// Starts a platform that ships to `url`, and returns the upload's trace id once every row has its outcome.
async fn upload_through(url: &str, env: &TestEnv) -> (Platform, String) {
    let settings =
        BTreeMap::from([("LOKI_URL".to_owned(), url.to_owned()), ("CHUNK_SIZE".to_owned(), "50".to_owned())]);
    let platform = Platform::start(env, PlatformOptions { settings, ..PlatformOptions::default() }).await;
    let client = platform.client("acme");
    let answer = client.create(contacts(ROWS), &Upload::contacts("bulk_upsert")).await;
    let trace_id = answer.headers()["x-trace-id"].to_str().unwrap().to_owned();
    let answer: Value = answer.json().await.unwrap();
    let detail = client.wait_finished(answer["data"]["id"].as_str().unwrap(), DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
    (platform, trace_id)
}

#[tokio::test]
async fn the_trace_id_of_the_answer_leads_to_the_lines_of_every_service() {
    let (url, pushes) = play_loki();
    let env = TestEnv::new().await;
    let (platform, trace_id) = upload_through(&url, &env).await;
    // A process ships its last lines before it ends.
    platform.stop().await;

    let mut services = BTreeSet::new();
    let mut failed_rows = BTreeSet::new();
    for stream in pushes.try_iter().flat_map(|push| push.streams) {
        let labels: BTreeSet<_> = stream
            .labels
            .trim_matches(['{', '}'])
            .split(',')
            .filter_map(|label| label.split('=').next())
            .collect();
        assert_eq!(
            labels.into_iter().map(str::trim).collect::<Vec<_>>(),
            ["environment", "level", "service"]
        );
        for entry in stream.entries {
            let line: Value = serde_json::from_str(&entry.line).unwrap();
            if line["traceId"] != trace_id.as_str() {
                continue;
            }
            let service = stream.labels.split("service=\"").nth(1).unwrap().split('"').next().unwrap();
            services.insert(service.to_owned());
            if line["message"] == "a row did not succeed" {
                assert_eq!((&line["status"], &line["code"]), (&"failed".into(), &"invalid".into()), "{line}");
                failed_rows.insert(line["row"].as_str().unwrap().parse::<u64>().unwrap());
            }
        }
    }
    assert_eq!(services.into_iter().collect::<Vec<_>>(), ["api", "chunking-worker", "processing-worker"]);
    assert_eq!(failed_rows, (1..=ROWS as u64).filter(|row| row % 10 == 0).collect());
}

#[tokio::test]
async fn a_loki_that_never_answers_holds_up_neither_the_work_nor_the_end() {
    // Connections open because of the listen backlog, but nothing reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let env = TestEnv::new().await;
    let (platform, _) = upload_through(&url, &env).await;
    let asked = Instant::now();
    // Fails if a process does not end in time.
    platform.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(25), "the end took {:?}", asked.elapsed());
}
