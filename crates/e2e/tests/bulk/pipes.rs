//! Input from a pipe is streamed and not buffered.

use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{DEADLINE, Person, ran};

const PIECES: usize = 300;
const PIECE_BYTES: usize = 1024 * 1024;
const MOST_MEMORY_KIB: u64 = 30 * 1024;
const ID: &str = "01890000-0000-7000-8000-000000000001";

/// Peak memory of a process.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn created() -> String {
    let data = serde_json::json!({
        "id": ID, "status": "queued", "totalEntities": 1, "scheduledAt": null, "createdAt": "2026-01-31T12:00:00Z",
        "file": { "fileName": "f", "filePath": "p", "fileSize": 1, "etag": "e", "uploadedAt": "2026-01-31T12:00:00Z" },
        "processing": { "message": "queued", "jobId": ID },
    });
    let body = serde_json::json!({
        "success": true, "message": "", "data": data, "timestamp": "2026-01-31T12:00:00Z", "traceId": ID,
    });
    let body = body.to_string();
    format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_large_pipe_needs_little_memory() {
    // A service that only reads, so that the test takes as long as the pipe and not as long as its rows.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let person = Person::new(&format!("http://{}", listener.local_addr().unwrap()), Some("acme"));
    let mut child =
        person.command(&["import", "-", "-e", "contact", "--detach"]).stdin(Stdio::piped()).spawn().unwrap();
    let (pid, mut stdin) = (child.id().unwrap(), child.stdin.take().unwrap());
    let writing = tokio::spawn(async move {
        let piece = b"ada@example.com,Ada\n".repeat(PIECE_BYTES / 20);
        for _ in 0..PIECES {
            stdin.write_all(&piece).await.unwrap();
        }
    });
    let (mut connection, _) = listener.accept().await.unwrap();
    let (mut piece, mut end, mut total) = (vec![0; 256 * 1024], Vec::new(), 0);
    while !end.ends_with(b"\r\n0\r\n\r\n") {
        let length = connection.read(&mut piece).await.unwrap();
        assert!(length > 0, "it ended after {total} bytes");
        total += length;
        end.extend_from_slice(&piece[..length]);
        end.drain(..end.len().saturating_sub(16));
    }
    writing.await.unwrap();
    let peak = peak_kib(pid);
    connection.write_all(created().as_bytes()).await.unwrap();
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await.expect("it does not end");
    assert_eq!(ran(output.unwrap()).expect(0).id(), ID);
    assert!(total > PIECES * PIECE_BYTES * 9 / 10, "{total} bytes");
    assert!(peak < MOST_MEMORY_KIB, "{peak} KiB for {total} bytes");
}
