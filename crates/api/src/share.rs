//! Shares out what a process can do at once: uploads, downloads, event streams, questions to the database.
//!
//! A place is one of them in progress. Who waits is served by account, not first come first served: next is the account that
//! holds the fewest places, and of those the one whose last turn is longest ago, so that a newcomer waits for one place to
//! become free and not for everybody before it. A place lives in the request that holds it, so none stays taken after that.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::ApiError;

/// Requests of one account that may wait for a place; each holds a connection and its buffers.
const MAX_WAITING_PER_ACCOUNT: usize = 256;

/// How much of a share one account may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All of it, while nobody else waits: for work that ends by itself within milliseconds.
    Whole,
    /// No more than is left free, so half of it alone, a third beside one other, and always something for a newcomer: for
    /// places that a slow client can hold for as long as it likes.
    Half,
}

/// The places of one kind. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Share {
    inner: Arc<Mutex<Inner>>,
    /// What is shared, for sentences: `uploads`.
    what: &'static str,
    patience: Duration,
}

struct Inner {
    rule: Rule,
    free: usize,
    /// Accounts that hold or wait.
    accounts: HashMap<String, Account>,
    /// Counts arrivals and turns, so that they can be put in order.
    clock: u64,
}

#[derive(Default)]
struct Account {
    held: usize,
    /// When it last got a place; 0 for an account that came just now.
    served_at: u64,
    /// With the time of each arrival.
    waiting: VecDeque<(u64, oneshot::Sender<Place>)>,
}

/// A place that is taken; it is free again when this value goes.
pub(crate) struct Place {
    /// `None` once it has been given back.
    inner: Option<Arc<Mutex<Inner>>>,
    account: String,
}

impl Share {
    /// `places` free places, for which a request waits at most `patience`.
    pub(crate) fn new(what: &'static str, places: usize, rule: Rule, patience: Duration) -> Self {
        let inner = Inner { rule, free: places.max(1), accounts: HashMap::new(), clock: 0 };
        Self { inner: Arc::new(Mutex::new(inner)), what, patience }
    }

    /// Takes a place, or waits for one.
    ///
    /// # Errors
    /// 429 when none became free in time and the account holds some; 503 when others hold all of them.
    pub(crate) async fn take(&self, account: &str) -> Result<Place, ApiError> {
        let turn = {
            let mut inner = lock(&self.inner);
            if inner.may_take(account) {
                return Ok(inner.give(account, &self.inner));
            }
            inner.wait(account).ok_or_else(|| self.refusal(&inner, account))?
        };
        match timeout(self.patience, turn).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.refusal(&lock(&self.inner), account)),
        }
    }

    fn refusal(&self, inner: &Inner, account: &str) -> ApiError {
        match inner.held(account) {
            0 => ApiError::Unavailable(Some(format!("no place for {} became free", self.what).into())),
            held => ApiError::ShareTaken { what: self.what, held },
        }
    }
}

impl Inner {
    fn held(&self, account: &str) -> usize {
        self.accounts.get(account).map_or(0, |account| account.held)
    }

    fn may_take(&self, account: &str) -> bool {
        self.free > 0 && (self.rule == Rule::Whole || self.held(account) < self.free)
    }

    fn give(&mut self, account: &str, inner: &Arc<Mutex<Self>>) -> Place {
        self.free -= 1;
        self.clock += 1;
        let taker = self.accounts.entry(account.to_owned()).or_default();
        taker.held += 1;
        taker.served_at = self.clock;
        Place { inner: Some(inner.clone()), account: account.to_owned() }
    }

    /// Queues up; `None` where too many of the account wait already.
    fn wait(&mut self, account: &str) -> Option<oneshot::Receiver<Place>> {
        self.clock += 1;
        let arrival = self.clock;
        let waiting = &mut self.accounts.entry(account.to_owned()).or_default().waiting;
        waiting.retain(|(_, turn)| !turn.is_closed());
        if waiting.len() >= MAX_WAITING_PER_ACCOUNT {
            return None;
        }
        let (turn, place) = oneshot::channel();
        waiting.push_back((arrival, turn));
        Some(place)
    }

    fn give_back(&mut self, account: &str, inner: &Arc<Mutex<Self>>) {
        self.free += 1;
        if let Some(account) = self.accounts.get_mut(account) {
            account.held -= 1;
        }
        while let Some(next) = self.next() {
            let Some((_, turn)) = self.accounts.get_mut(&next).and_then(|next| next.waiting.pop_front())
            else {
                break;
            };
            let place = self.give(&next, inner);
            // Who has gone meanwhile sends the place back; the lock is held here, so it must not give itself back.
            if let Err(mut unwanted) = turn.send(place) {
                unwanted.inner = None;
                self.free += 1;
                self.accounts.entry(next).or_default().held -= 1;
            }
        }
        self.accounts.retain(|_, account| account.held > 0 || !account.waiting.is_empty());
    }

    /// The account whose turn it is, if one that waits may take a place now.
    fn next(&self) -> Option<String> {
        let waiting = self.accounts.iter().filter_map(|(name, account)| {
            let (arrival, _) = account.waiting.front()?;
            self.may_take(name).then_some((account.held, account.served_at, *arrival, name))
        });
        waiting.min().map(|(.., name)| name.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            lock(&inner).give_back(&self.account, &inner);
        }
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
