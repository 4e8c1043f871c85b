//! Accepts connections and serves HTTP on them. axum's own loop is shorter, but has neither a time limit for a client
//! that sends a request head byte by byte nor a limit on connections.

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

/// Time limit for a request head, counted from the start of waiting for it, so it also ends idle connections.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Buffer limit of a connection for a head, and for body bytes that are not read yet.
const MAX_BUFFER_BYTES: usize = 256 * 1024;
const MAX_HEADERS: usize = 200;
/// Pause after running out of file descriptors, so that some can be released before the next accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections waiting to be accepted; the kernel's usual limit.
const BACKLOG: u32 = 4096;
/// Maximum number of connections. An idle one costs about 20 KiB.
const MOST: usize = 4096;
/// Maximum per address without a proxy in front. Even if all of them send requests without a pause, one more is
/// answered within a tenth of a second.
const MOST_PER_ADDRESS: usize = 1024;
/// File descriptors for other purposes: connections to the stores, logs.
const DESCRIPTORS_APART: u64 = 256;

/// Binds the address.
///
/// # Errors
/// If the address cannot be bound.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait until the kernel forgets connections of the previous process.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// As many seats as there can be connections.
pub(super) fn seats(trust_proxy: bool) -> Seats {
    let descriptors = raise_descriptor_limit().saturating_sub(DESCRIPTORS_APART);
    let most = usize::try_from(descriptors).unwrap_or(MOST).min(MOST);
    // Behind a proxy all connections come from its address.
    Seats::new(most, if trust_proxy { most } else { MOST_PER_ADDRESS })
}

/// Raises the limit of file descriptors, which is often 1,024 at the start, and returns the new limit.
fn raise_descriptor_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    let wanted = hard.min(soft.max(MOST as u64 + DESCRIPTORS_APART));
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft }
}

/// Serves until `drained` completes, then lets each connection finish its current request.
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
                // Errors of a connection are the client's: closed, silent, or not HTTP.
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
    // Small pieces, such as events, are sent at once; if this fails, they are only later.
    let _ = stream.set_nodelay(true);
    TokioIo::new(stream)
}

/// True if the connection broke before it was accepted.
fn is_callers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
