//! Publishes changes of actions to event streams. It polls PostgreSQL, since a worker on any machine may commit: one
//! query per interval and process for all followed actions, independent of the number of streams, and none without
//! streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulk_core::db::{self, ActionRecord};
use bulk_core::shutdown::Shutdown;
use sqlx::PgPool;
use tokio::sync::watch;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// Maximum age of published changes.
const INTERVAL: Duration = Duration::from_millis(500);

/// An event of the stream, for the OpenAPI document.
pub(crate) enum ServerSentEvent {}

impl PartialSchema for ServerSentEvent {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let data = "JSON: the stats with `status`; for `done` with `outcome` too";
        ObjectBuilder::new()
            .description(Some("One event of the stream."))
            .property("id", text())
            .property("event", text().enum_values(Some(["progress", "done"])))
            .property("data", text().description(Some(data)))
            .property("retry", ObjectBuilder::new().schema_type(Type::Integer))
            .required("event")
            .required("data")
            .into()
    }
}

impl ToSchema for ServerSentEvent {}

/// The followed actions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Followed(Arc<Inner>);

struct Inner {
    pool: PgPool,
    shutdown: Shutdown,
    /// Not empty exactly while a polling task runs.
    actions: Mutex<HashMap<Uuid, watch::Sender<Arc<ActionRecord>>>>,
}

impl Followed {
    /// Follows no action yet.
    pub(crate) fn new(pool: PgPool, shutdown: Shutdown) -> Self {
        Self(Arc::new(Inner { pool, shutdown, actions: Mutex::default() }))
    }

    /// Changes of an action after `known`, until the shutdown. Dropping the receiver unfollows the action.
    pub(crate) fn follow(&self, known: Arc<ActionRecord>) -> watch::Receiver<Arc<ActionRecord>> {
        let mut actions = self.0.actions();
        if actions.is_empty() {
            tokio::spawn(ask(self.0.clone()));
        }
        let mut news = actions.entry(known.id).or_insert_with(|| watch::Sender::new(known)).subscribe();
        // A state published after the caller's read would otherwise count as seen.
        news.mark_changed();
        news
    }
}

impl Inner {
    fn actions(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<Arc<ActionRecord>>>> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ids of actions that still have receivers; the others are removed.
    fn wanted(&self) -> Vec<Uuid> {
        let mut actions = self.actions();
        actions.retain(|_, sender| sender.receiver_count() > 0);
        actions.keys().copied().collect()
    }

    fn publish(&self, found: Vec<ActionRecord>) {
        let actions = self.actions();
        for action in found {
            if let Some(sender) = actions.get(&action.id) {
                sender.send_if_modified(|known| {
                    let is_news = is_news(known, &action);
                    if is_news {
                        *known = Arc::new(action);
                    }
                    is_news
                });
            }
        }
    }
}

async fn ask(inner: Arc<Inner>) {
    let mut is_away = false;
    loop {
        tokio::select! {
            () = inner.shutdown.cancelled() => {
                // Dropping the senders ends the streams.
                inner.actions().clear();
                return;
            }
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let wanted = inner.wanted();
        if wanted.is_empty() {
            return;
        }
        match db::followed_actions(&inner.pool, &wanted).await {
            Ok(found) => {
                is_away = false;
                inner.publish(found);
            }
            Err(error) if !is_away => {
                is_away = true;
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot follow actions for now");
            }
            Err(_) => {}
        }
    }
}

/// True if `next` differs from `known` and is not older, since responses can overtake one another. Rows only gain
/// outcomes, and the time of the counters only grows.
pub(crate) fn is_news(known: &ActionRecord, next: &ActionRecord) -> bool {
    let age = |action: &ActionRecord| (action.counts.processed(), action.updated_at);
    age(next) > age(known) || (age(next) == age(known) && next.status != known.status)
}
