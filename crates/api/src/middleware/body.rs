//! Reads the rest of a body after an early rejection. A client whose connection is closed while it sends sees a broken
//! connection instead of the response; and the connection can serve the next request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::state::AppState;

/// Limit on the bytes read after a rejection. Most clients have sent less at that point; others are disconnected.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Passes the request on with a body that is read to its end when dropped.
pub(crate) async fn drain_body(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let running = state.running.clone();
    next.run(request.map(|body| Body::new(DrainedBody { inner: Some(body), running }))).await
}

struct DrainedBody {
    /// `None` after the end of the body.
    inner: Option<Body>,
    running: TaskTracker,
}

impl HttpBody for DrainedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let polled = Pin::new(inner).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.inner = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for DrainedBody {
    fn drop(&mut self) {
        if let Some(body) = self.inner.take().filter(|body| !body.is_end_stream()) {
            self.running.spawn(timeout(DRAIN_TIME, drain(body)));
        }
    }
}

async fn drain(body: Body) {
    let mut pieces = body.into_data_stream();
    let mut drained = 0;
    while let Some(Ok(piece)) = pieces.next().await {
        drained += piece.len();
        if drained > DRAIN_BYTES {
            return;
        }
    }
}
