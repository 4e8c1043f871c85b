//! Accepts connections and speaks HTTP on them. axum's own loop is shorter, but has no time limit for a caller who sends
//! the head of a request byte by byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tower::Layer;

/// From the first chance to send a head, so a connection that waits for its next request ends after this too.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// What a connection may hold of a head, and of a body that nobody has asked for yet.
const MAX_BUFFER_BYTES: usize = 256 * 1024;
const MAX_HEADERS: usize = 200;
/// When the process has no more file descriptors, some must be given back before the next connection can be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `drained` is over, then lets each connection finish the request it is at.
pub(super) async fn serve(listener: TcpListener, router: Router, drained: impl Future<Output = ()>) {
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
                let service = Extension(ConnectInfo::<SocketAddr>(peer)).layer(router.clone());
                let connection =
                    builder.serve_connection(io_of(stream), TowerToHyperService::new(service)).into_owned();
                // A connection's errors are its caller's: cut off, silent, or no HTTP.
                let connection = connections.watch(connection);
                tokio::spawn(async move { drop(connection.await) });
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
