//! Fair sharing of a process's capacity between accounts: uploads, downloads, event streams, database queries.
//!
//! A place is one of them in progress. Waiting requests are served by account, not first come, first served: next is
//! the account that holds the fewest places, and among equals the one served least recently. A newcomer thus waits for
//! one place to become free and not for everyone before it. A place belongs to the request that holds it and is freed
//! with it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::ApiError;

/// Maximum number of waiting requests of one account; each holds a connection and its buffers.
const MAX_WAITING_PER_ACCOUNT: usize = 256;

/// Limit of one account's places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// All places while no other account waits; for work that ends by itself within milliseconds.
    Whole,
    /// No more places than are left free: half of them alone, a third beside one other account, and always something
    /// for a newcomer. For places that a slow client can hold for long.
    Half,
}

/// The places of one kind. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Share {
    inner: Arc<Mutex<Inner>>,
    /// Name for messages: `uploads`.
    what: &'static str,
    patience: Duration,
}

struct Inner {
    rule: Rule,
    free: usize,
    /// Accounts that hold or wait for places.
    accounts: HashMap<String, Account>,
    /// Counts arrivals and turns, to order them.
    clock: u64,
}

#[derive(Default)]
struct Account {
    held: usize,
    /// Clock value when it last got a place; 0 for a newcomer.
    served_at: u64,
    /// Waiting requests with the clock value of their arrival.
    waiting: VecDeque<(u64, oneshot::Sender<HeldPlace>)>,
}

/// A held place; dropping it frees the place.
pub(crate) struct HeldPlace {
    /// `None` once the place has been given back.
    inner: Option<Arc<Mutex<Inner>>>,
    account: String,
}

impl Share {
    /// A share of `places` places, for which a request waits at most `patience`.
    pub(crate) fn new(what: &'static str, places: usize, rule: Rule, patience: Duration) -> Self {
        let inner = Inner { rule, free: places.max(1), accounts: HashMap::new(), clock: 0 };
        Self { inner: Arc::new(Mutex::new(inner)), what, patience }
    }

    /// Takes a place, or waits for one.
    ///
    /// # Errors
    /// 429 if none became free in time and the account holds some; 503 if others hold all of them.
    pub(crate) async fn take(&self, account: &str) -> Result<HeldPlace, ApiError> {
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

    fn give(&mut self, account: &str, inner: &Arc<Mutex<Self>>) -> HeldPlace {
        self.free -= 1;
        self.clock += 1;
        let taker = self.accounts.entry(account.to_owned()).or_default();
        taker.held += 1;
        taker.served_at = self.clock;
        HeldPlace { inner: Some(inner.clone()), account: account.to_owned() }
    }

    /// Queues the request; `None` if too many requests of the account wait already.
    fn wait(&mut self, account: &str) -> Option<oneshot::Receiver<HeldPlace>> {
        self.clock += 1;
        let arrival = self.clock;
        let waiting = &mut self.accounts.entry(account.to_owned()).or_default().waiting;
        // Requests that timed out or were dropped still have entries.
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
        // Several may be served: under [`Rule::Half`] one more free place can allow a place to more than one account.
        while let Some(next) = self.next() {
            let Some((_, turn)) = self.accounts.get_mut(&next).and_then(|next| next.waiting.pop_front())
            else {
                break;
            };
            let place = self.give(&next, inner);
            // The receiver may be gone. The place then comes back here while the lock is held, so its `Drop` must not
            // lock again.
            if let Err(mut unwanted) = turn.send(place) {
                unwanted.inner = None;
                self.free += 1;
                self.accounts.entry(next).or_default().held -= 1;
            }
        }
        // Idle accounts are removed, which makes them newcomers again and bounds the map.
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

impl Drop for HeldPlace {
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
