//! Follows an action until it is finished.
//!
//! The event stream reports every change. Each event holds the whole state, so a broken connection loses nothing: the
//! next one starts with the current state. If no stream is possible (a proxy buffers it, or there are too many
//! streams), the action is polled once a second instead.

mod sse;

use std::collections::VecDeque;
use std::time::Duration;

use api_types::{ActionView, DoneView, NewsView, StatsView};
use futures::stream::{self, Stream};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode};
use sse::{Event, Parser};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::patience::Attempts;
use crate::{Client, ClientError};

/// Interval of polling without a stream.
const POLL: Duration = Duration::from_secs(1);
/// The service sends a comment every 15 seconds, so a stream that is silent for longer is broken.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);
/// Consecutive streams without an event after which the action is polled.
const EMPTY_STREAMS: u32 = 3;
const DEFAULT_RETRY: Duration = Duration::from_secs(2);

/// Change of an action.
#[derive(Debug)]
pub enum Update {
    /// Status or counters have changed.
    Progress(Box<NewsView>),
    /// The action is finished.
    Done(Box<DoneView>),
}

/// A stream of updates that ends after [`Update::Done`], or with the first error.
pub type Follow = std::pin::Pin<Box<dyn Stream<Item = Result<Update, ClientError>> + Send>>;

impl Client {
    /// Follows an action until it is finished, across broken connections for as long as the [retry
    /// times](crate::Patience) allow.
    #[must_use]
    pub fn follow(&self, id: Uuid) -> Follow {
        let follower = Follower {
            client: self.clone(),
            id,
            mode: Mode::Connect,
            parser: Parser::default(),
            waiting: VecDeque::new(),
            empty_streams: 0,
            attempts: Attempts::new(self.patience()),
        };
        Box::pin(stream::unfold(Some(follower), async |follower| {
            let mut follower = follower?;
            match follower.next().await {
                Ok(Update::Done(done)) => Some((Ok(Update::Done(done)), None)),
                Ok(update) => Some((Ok(update), Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

enum Mode {
    Connect,
    Stream(Response),
    Poll { has_asked: bool },
}

struct Follower {
    client: Client,
    id: Uuid,
    mode: Mode,
    parser: Parser,
    waiting: VecDeque<Update>,
    empty_streams: u32,
    attempts: Attempts,
}

impl Follower {
    async fn next(&mut self) -> Result<Update, ClientError> {
        loop {
            if let Some(update) = self.waiting.pop_front() {
                return Ok(update);
            }
            match &mut self.mode {
                Mode::Connect => self.connect().await?,
                Mode::Stream(response) => {
                    let piece = timeout(LONGEST_SILENCE, response.chunk()).await;
                    self.read(piece.ok().and_then(Result::ok).flatten().as_deref()).await;
                }
                Mode::Poll { has_asked } => {
                    if std::mem::replace(has_asked, true) {
                        sleep(POLL).await;
                    }
                    let (news, done) = split(self.client.action(self.id).await?);
                    self.waiting.push_back(Update::Progress(Box::new(news)));
                    self.waiting.extend(done.map(|done| Update::Done(Box::new(done))));
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        if self.empty_streams >= EMPTY_STREAMS {
            self.mode = Mode::Poll { has_asked: false };
            return Ok(());
        }
        let mut request = self
            .client
            .request(Method::GET, &format!("/bulk-actions/{}/events", self.id))
            .header(ACCEPT, "text/event-stream");
        if let Some(id) = &self.parser.last_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = timeout(LONGEST_SILENCE, self.client.send(request)).await.unwrap_or_else(|_| {
            let reason = "it took too long".to_owned();
            Err(ClientError::BrokenOff { url: self.client.url().to_owned(), reason })
        });
        match answer {
            Ok(response) if is_event_stream(&response) => {
                self.parser.begin();
                self.mode = Mode::Stream(response);
                Ok(())
            }
            Err(error) if matches!(status(&error), Some(401 | 403 | 404 | 410)) => Err(error),
            // 429 means too many streams: polling costs the service less than another attempt.
            Err(error) if error.is_transient() && status(&error) != Some(429) => self.wait(error).await,
            _ => {
                self.mode = Mode::Poll { has_asked: false };
                Ok(())
            }
        }
    }

    /// Processes the next piece of the stream; `None` means that it has ended.
    async fn read(&mut self, piece: Option<&[u8]>) {
        let mut events = Vec::new();
        let is_well = piece.is_some_and(|piece| self.parser.take(piece, &mut events));
        let updates: Vec<_> = events.iter().filter_map(update).collect();
        if !updates.is_empty() {
            self.empty_streams = 0;
            self.attempts = Attempts::new(self.client.patience());
        }
        let is_over = updates.iter().any(|update| matches!(update, Update::Done(_)));
        self.waiting.extend(updates);
        if !is_well && !is_over {
            self.empty_streams += 1;
            self.mode = Mode::Connect;
            sleep(self.parser.retry.unwrap_or(DEFAULT_RETRY)).await;
        }
    }

    /// Waits before the next attempt.
    async fn wait(&mut self, error: ClientError) -> Result<(), ClientError> {
        let Some(pause) = self.attempts.pause(&error, self.client.is_known()) else { return Err(error) };
        self.client.tell(&error, pause);
        sleep(pause).await;
        Ok(())
    }
}

fn is_event_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.status() == StatusCode::OK && kind.starts_with("text/event-stream")
}

fn status(error: &ClientError) -> Option<u16> {
    error.refusal().map(|refusal| refusal.status)
}

fn update(event: &Event) -> Option<Update> {
    match event.name.as_str() {
        "progress" => serde_json::from_str(&event.data).ok().map(Update::Progress),
        "done" => serde_json::from_str(&event.data).ok().map(Update::Done),
        _ => None,
    }
}

/// The state of an action, and its end if it is finished.
fn split(action: ActionView) -> (NewsView, Option<DoneView>) {
    let stats = StatsView {
        id: action.id,
        action_id: action.id,
        progress: action.progress,
        created_at: action.created_at,
        updated_at: action.updated_at,
    };
    let (status, outcome) = (action.status, action.outcome);
    let done = status.is_over().then(|| DoneView { status, outcome, stats: stats.clone() });
    (NewsView { status, stats }, done)
}
