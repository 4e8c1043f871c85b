//! `GET /bulk-actions/{id}/events`: changes of the counters as server-sent events.
//!
//! Each event holds the whole state, so a client that reconnects has missed nothing, with any `Last-Event-ID`. Only
//! the id of `done` has a meaning: browsers reconnect after the end of every stream, and one that has already seen
//! `done` of a finished action gets 204, which stops it according to the standard.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api_types::{DoneView, NewsView};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bulk_core::db::ActionRecord;
use chrono::{DateTime, Utc};
use futures::stream::{self, Stream, StreamExt as _};
use tokio::sync::watch;

use super::stats::stats_view;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::events::{ServerSentEvent, is_news};
use crate::extract::OwnedAction;
use crate::state::AppState;
use crate::vocabulary::InApi;

/// Delay before a client reconnects.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);
/// Interval of comments in a silent stream. Proxies close connections that are silent for a minute, and only a write
/// reveals that a client is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Maximum duration of a stream.
const LONGEST_STREAM: Duration = Duration::from_secs(24 * 3600);

/// Changes of the counters as server-sent events: `progress` with `status` and the stats while the action runs, then
/// one `done` with `status`, `outcome` and the stats; then the stream ends.
#[utoipa::path(
    get,
    path = "/bulk-actions/{id}/events",
    operation_id = "followBulkAction",
    tag = "bulk actions",
    params(
        ("id" = Uuid, Path, description = "The action's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "Sent by reconnecting browsers"),
    ),
    responses(
        (
            status = 200,
            description = "The events, as they happen",
            content_type = "text/event-stream",
            body = ServerSentEvent,
            example = "id: 1769860800000000\nevent: progress\ndata: {\"totalRecords\":1000,\"processedRecords\":500}\n\n",
        ),
        (status = 204, description = "The client has already received the end (`Last-Event-ID`)"),
    ),
    security(("bearer" = []), ("accountId" = [])),
)]
pub(super) async fn events(
    State(state): State<AppState>,
    caller: Caller,
    OwnedAction(action): OwnedAction,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    if is_over(&action) && last_seen == Some(&done_id(&action)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.shares.streams.take(&action.account_id).await?;
    let action = Arc::new(action);
    let news = (!is_over(&action)).then(|| state.followed.follow(action.clone()));
    let listener = Listener::new(action, news)?;
    let events = listener.into_stream().take_until(end(state, caller.until)).map(move |event| {
        let _held = &place;
        event
    });
    // Proxies such as nginx would buffer the events otherwise.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    Ok(([unbuffered], Sse::new(events).keep_alive(keep_alive)).into_response())
}

/// Completes when the stream must end although the action has not: at shutdown, or when the caller's token expires. The
/// client reconnects then and authenticates again.
async fn end(state: AppState, until: Option<DateTime<Utc>>) {
    let left = until.map_or(LONGEST_STREAM, |until| (until - Utc::now()).to_std().unwrap_or_default());
    tokio::select! {
        () = state.shutdown.cancelled() => {}
        () = tokio::time::sleep(left.min(LONGEST_STREAM)) => {}
    }
}

fn is_over(action: &ActionRecord) -> bool {
    !action.status.is_unfinished()
}

fn done_id(action: &ActionRecord) -> String {
    format!("done-{}", action.updated_at.timestamp_micros())
}

/// State of one client's stream.
struct Listener {
    /// The last state sent.
    known: Arc<ActionRecord>,
    waiting: VecDeque<Event>,
    /// `None` once `done` is among the waiting events.
    news: Option<watch::Receiver<Arc<ActionRecord>>>,
}

impl Listener {
    fn new(
        action: Arc<ActionRecord>,
        news: Option<watch::Receiver<Arc<ActionRecord>>>,
    ) -> Result<Self, ApiError> {
        let mut listener = Self { known: action.clone(), waiting: VecDeque::new(), news };
        listener.tell(action).map_err(ApiError::internal)?;
        if let Some(first) = listener.waiting.pop_front() {
            listener.waiting.push_front(first.retry(RECONNECT_AFTER));
        }
        Ok(listener)
    }

    /// Queues an event with the current state of the action.
    fn tell(&mut self, action: Arc<ActionRecord>) -> Result<(), axum::Error> {
        let id = action.updated_at.timestamp_micros().to_string();
        let news = NewsView { status: action.status.in_api(), stats: stats_view(&action) };
        self.waiting.push_back(Event::default().id(id).event("progress").json_data(news)?);
        if is_over(&action) {
            let done = DoneView {
                status: action.status.in_api(),
                outcome: action.outcome.map(InApi::in_api),
                stats: stats_view(&action),
            };
            self.waiting.push_back(Event::default().id(done_id(&action)).event("done").json_data(done)?);
            self.news = None;
        }
        self.known = action;
        Ok(())
    }

    /// The next event, as soon as there is one; `None` after `done`, and when the action is no longer followed.
    async fn next(&mut self) -> Option<Event> {
        while self.waiting.is_empty() {
            let news = self.news.as_mut()?;
            news.changed().await.ok()?;
            let action = news.borrow_and_update().clone();
            if is_news(&self.known, &action) {
                self.tell(action).ok()?;
            }
        }
        self.waiting.pop_front()
    }

    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut listener| {
            let event = listener.next().await?;
            Some((Ok(event), listener))
        })
    }
}
