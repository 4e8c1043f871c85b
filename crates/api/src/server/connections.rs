//! Accepts connections and speaks HTTP on them. axum's own loop is shorter, but has no time limit for a caller who sends
//! the head of a request byte by byte, and no bound on connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;
use tower::Layer;

use crate::rate_limit::network;
use crate::seats::Seats;

/// From the first chance to send a head, so a connection that waits for its next request ends after this too.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// What a connection may hold of a head, and of a body that nobody has asked for yet.
const MAX_BUFFER_BYTES: usize = 256 * 1024;
const MAX_HEADERS: usize = 200;
/// When the process has no more file descriptors, some must be given back before the next connection can be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that the kernel has made and nobody has accepted; the kernel's own usual limit.
const BACKLOG: u32 = 4096;
/// Connections at once. An idle one costs some 20 KiB.
const MOST: usize = 4096;
/// Of those, how many one address may have where no proxy stands in front: even if all of them ask without a pause, one
/// more is answered within a tenth of a second.
const MOST_PER_ADDRESS: usize = 1024;
/// File descriptors for other things: connections to the stores, logs.
const DESCRIPTORS_APART: u64 = 256;

/// Binds the address.
///
/// # Errors
/// Why it cannot be bound.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for connections of the process before it to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// As many seats as there can be connections.
pub(super) fn seats(trust_proxy: bool) -> Seats {
    let descriptors = raise_descriptor_limit().saturating_sub(DESCRIPTORS_APART);
    let most = usize::try_from(descriptors).unwrap_or(MOST).min(MOST);
    // Behind a proxy all come from its address.
    Seats::new(most, if trust_proxy { most } else { MOST_PER_ADDRESS })
}

/// Many systems begin with a limit of 1,024 that a process may raise by itself; returns what it is then.
fn raise_descriptor_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    let wanted = hard.min(soft.max(MOST as u64 + DESCRIPTORS_APART));
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft }
}

/// Serves until `drained` is over, then lets each connection finish the request it is at.
pub(super) async fn serve(
    listener: TcpListener,
    seats: Seats,
    router: Router,
    drained: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_BUFFER_BYTES)
        .max_headers(MAX_HEADERS);
    let mut drained = std::pin::pin!(drained);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut drained => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let seat = seats.take(network(peer.ip().to_canonical()));
                let service = Extension(ConnectInfo::<SocketAddr>(peer)).layer(router.clone());
                let service = Extension(Arc::clone(&seat)).layer(service);
                let connection =
                    builder.serve_connection(io_of(stream), TowerToHyperService::new(service)).into_owned();
                // A connection's errors are its caller's: cut off, silent, or no HTTP.
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    tokio::select! {
                        served = connection => drop(served),
                        () = seat.lost() => {}
                    }
                });
            }
            Err(error) if is_callers_fault(&error) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot take a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

fn io_of(stream: TcpStream) -> TokioIo<TcpStream> {
    // Small pieces, such as events, leave at once; without it they are only later.
    let _ = stream.set_nodelay(true);
    TokioIo::new(stream)
}

/// The connection broke before it was taken.
fn is_callers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
