//! A TCP proxy between a service and a store that fails on request.
//!
//! Own code: existing ones (Toxiproxy and its ports) are separate servers that would have to be installed, and none can
//! respond to single HTTP requests, which is needed to refuse writes. It relies on clients that send one request at a
//! time per connection, like HTTP/1.1 clients, Redis and PostgreSQL.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

const BUFFER_BYTES: usize = 16 * 1024;

/// Current behaviour of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Bytes pass unchanged.
    None,
    /// Connections are closed; new ones immediately after they are accepted.
    Away,
    /// Connections are accepted, but bytes sent on them never arrive. A connection affected by this stays dead, as
    /// after a firewall dropped it.
    Silent,
    /// Responses arrive at this rate per connection.
    Slow {
        /// Bytes per second, at least 10.
        bytes_per_second: usize,
    },
    /// A connection ends after this many bytes of responses, in the middle of a body.
    Cut {
        /// Bytes that still pass.
        after_bytes: usize,
    },
    /// HTTP: every request gets this status.
    Answer {
        /// 500, 503, ….
        status: u16,
    },
    /// HTTP: requests that write (PUT, POST) get this status and others pass, like a full disk.
    RefuseWrites {
        /// 507, 403, ….
        status: u16,
    },
    /// HTTP: requests pass, but those whose first line contains this text get no response: the connection ends instead.
    LoseAnswers {
        /// Part of a request line.
        to: &'static str,
    },
    /// S3: objects whose key contains this text cannot be deleted, alone or together with others.
    KeepObjects {
        /// Part of a key.
        named: &'static str,
    },
}

/// A running proxy. Dropping it closes its connections.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    fault: watch::Sender<Fault>,
    accept: AbortHandle,
}

impl FaultProxy {
    /// Starts a proxy to a port of this machine.
    pub async fn start(upstream_port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = watch::Sender::new(Fault::None);
        let accept = tokio::spawn(accept(listener, upstream_port, fault.subscribe())).abort_handle();
        Self { port, fault, accept }
    }

    /// Port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the behaviour from now on, including that of existing connections.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// The connections live in this task, so that they end with it.
async fn accept(listener: TcpListener, upstream_port: u16, faults: watch::Receiver<Fault>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(carry(client, upstream_port, faults.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Errors only end the connection, which both sides notice.
async fn carry(client: TcpStream, upstream_port: u16, mut faults: watch::Receiver<Fault>) -> io::Result<()> {
    if *faults.borrow() == Fault::Away {
        return Ok(());
    }
    let current = faults.clone();
    tokio::select! {
        ended = pump(client, upstream_port, current) => ended,
        _ = faults.wait_for(|fault| *fault == Fault::Away) => Ok(()),
    }
}

async fn pump(mut client: TcpStream, upstream_port: u16, faults: watch::Receiver<Fault>) -> io::Result<()> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream_port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut request, mut answer) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
    let (mut cut, mut is_lost) = (Cut::default(), false);
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let bytes = &request[..read?];
                let fault = *faults.borrow();
                match fault {
                    _ if bytes.is_empty() => return Ok(()),
                    Fault::Silent => return swallow(&mut client).await,
                    Fault::Answer { status } if is_request(bytes, false) => return refuse(client, bytes, status).await,
                    Fault::RefuseWrites { status } if is_request(bytes, true) => {
                        return refuse(client, bytes, status).await;
                    }
                    Fault::KeepObjects { named } if deletes(bytes, named) => return refuse(client, bytes, 403).await,
                    Fault::LoseAnswers { to } if is_request(bytes, false) => is_lost = first_line_has(bytes, to),
                    _ => {}
                }
                server.write_all(bytes).await?;
            }
            read = server.read(&mut answer) => {
                let bytes = &answer[..read?];
                let fault = *faults.borrow();
                match fault {
                    _ if bytes.is_empty() || is_lost => return Ok(()),
                    Fault::Silent => return swallow(&mut client).await,
                    Fault::Slow { bytes_per_second } => trickle(&mut client, bytes, bytes_per_second, &faults).await?,
                    Fault::Cut { after_bytes } => {
                        let passing = cut.passing(after_bytes, bytes.len());
                        client.write_all(&bytes[..passing]).await?;
                        if passing < bytes.len() {
                            return Ok(());
                        }
                    }
                    _ => client.write_all(bytes).await?,
                }
            }
        }
    }
}

/// Counts the response bytes of a connection that will be cut.
#[derive(Default)]
struct Cut(usize);

impl Cut {
    fn passing(&mut self, after_bytes: usize, bytes: usize) -> usize {
        let passing = bytes.min(after_bytes.saturating_sub(self.0));
        self.0 += passing;
        passing
    }
}

/// Passes a tenth of the rate every tenth of a second until the fault ends.
async fn trickle(
    client: &mut TcpStream,
    bytes: &[u8],
    bytes_per_second: usize,
    faults: &watch::Receiver<Fault>,
) -> io::Result<()> {
    for part in bytes.chunks((bytes_per_second / 10).max(1)) {
        client.write_all(part).await?;
        if matches!(*faults.borrow(), Fault::Slow { .. }) {
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Discards bytes until the client disconnects.
async fn swallow(client: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut nowhere = vec![0; BUFFER_BYTES];
    while client.read(&mut nowhere).await? > 0 {}
    Ok(())
}

/// True if the bytes start an HTTP request (with `writes_only`, one that writes). A client waits for the response
/// before it sends the next request.
fn is_request(bytes: &[u8], writes_only: bool) -> bool {
    let methods: &[&[u8]] = &[b"PUT /", b"POST /", b"GET /", b"HEAD /", b"DELETE /"];
    let methods = if writes_only { &methods[..2] } else { methods };
    methods.iter().any(|method| bytes.starts_with(method))
}

fn first_line_has(bytes: &[u8], text: &str) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.windows(text.len()).any(|part| part == text.as_bytes())
}

/// True if the bytes, the head of a request or the list in its body, name an object that must not be deleted.
fn deletes(bytes: &[u8], named: &str) -> bool {
    let is_delete =
        bytes.starts_with(b"DELETE /") || !is_request(bytes, false) || bytes.starts_with(b"POST /");
    is_delete && bytes.windows(named.len()).any(|part| part == named.as_bytes())
}

/// Reads the rest of a request whose start has been read, and responds to it.
async fn refuse(mut client: TcpStream, beginning: &[u8], status: u16) -> io::Result<()> {
    let head = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    let body_begins = head.find("\r\n\r\n").map_or(head.len(), |end| end + 4);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let missing = length.unwrap_or(0_usize).saturating_sub(beginning.len().saturating_sub(body_begins));
    let mut rest = (&mut client).take(missing as u64);
    swallow(&mut rest).await?;
    let body =
        "<?xml version=\"1.0\"?><Error><Code>Refused</Code><Message>by the fault proxy</Message></Error>";
    let answer = format!(
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
