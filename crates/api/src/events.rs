//! Follows actions for whoever listens to their events. PostgreSQL is asked, since any worker of any machine may commit:
//! one query per interval and process for all actions that are listened to here, however many listen to each, and none
//! when nobody does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulk_core::db::{self, ActionRecord};
use bulk_core::shutdown::Shutdown;
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

/// How old news may become.
const INTERVAL: Duration = Duration::from_millis(500);

/// The actions that are listened to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Followed(Arc<Inner>);

struct Inner {
    pool: PgPool,
    shutdown: Shutdown,
    /// Not empty exactly while a task asks for them.
    actions: Mutex<HashMap<Uuid, watch::Sender<Arc<ActionRecord>>>>,
}

impl Followed {
    /// Follows nothing yet.
    pub(crate) fn new(pool: PgPool, shutdown: Shutdown) -> Self {
        Self(Arc::new(Inner { pool, shutdown, actions: Mutex::default() }))
    }

    /// News of an action after `known`, until the process is to end. Dropping the receiver is all it takes to leave.
    pub(crate) fn follow(&self, known: Arc<ActionRecord>) -> watch::Receiver<Arc<ActionRecord>> {
        let mut actions = self.0.actions();
        if actions.is_empty() {
            tokio::spawn(ask(self.0.clone()));
        }
        let mut news = actions.entry(known.id).or_insert_with(|| watch::Sender::new(known)).subscribe();
        // What was published since the caller read his state would otherwise count as seen.
        news.mark_changed();
        news
    }
}

impl Inner {
    fn actions(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<Arc<ActionRecord>>>> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids that somebody still listens to; the others are forgotten.
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
                // Without a sender the streams end.
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

/// Whether `next` says something that `known` does not, and is not older: answers can overtake one another. Rows only ever
/// gain outcomes, and the counters' time only grows.
pub(crate) fn is_news(known: &ActionRecord, next: &ActionRecord) -> bool {
    let age = |action: &ActionRecord| (action.counts.processed(), action.updated_at);
    age(next) > age(known) || (age(next) == age(known) && next.status != known.status)
}
