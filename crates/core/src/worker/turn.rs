//! The slots of a worker, and how long work releases its slot to others.
//!
//! A worker's concurrency is its number of slots. Work may hold a slot for a slice of time. After that, and only while
//! another account waits that has nothing running anywhere, the work releases the slot in one of two ways:
//!
//! - A chunk moves to the slow lane, one extra place per worker, and continues there. If the lane is occupied, its
//!   attempt is interrupted and repeated later ([`Turn::overrun`]). Work in the lane is never interrupted, so chunks
//!   that take long are completed one after another, however many others arrive.
//! - The reading of a file pauses between two rows and waits for a slot again ([`Turn::lend`]). No work is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// Time that work may hold a slot while another account waits. An undisturbed full chunk takes about as long on a busy
/// machine, and a small action of another account must end within a second.
pub const SLICE: Duration = Duration::from_millis(300);
/// The same for work that can pause at any point without losing anything.
const STOPPABLE_SLICE: Duration = Duration::from_millis(100);
/// Interval of checking for waiting accounts while work exceeds its slice.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A wait shorter than this is normal: a job or a claim is on its way.
const SERVED_WITHIN: Duration = Duration::from_millis(20);
/// Extra places per worker in which chunks continue.
const SLOW_LANE: usize = 1;

/// The slots of a worker.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Arc<Semaphore>,
    slow_lane: Arc<Semaphore>,
    /// Time of the last check for waiting accounts. One check serves all running work: one piece of work releases its
    /// slot, and the waiting account gets time to take it before the next check.
    looked: Mutex<Option<Instant>>,
    /// Amount of work that has lent its slot and waits for one.
    wanted_back: AtomicUsize,
}

impl Slots {
    pub(super) fn new(concurrency: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(concurrency)),
            slow_lane: Arc::new(Semaphore::new(SLOW_LANE)),
            looked: Mutex::new(None),
            wanted_back: AtomicUsize::new(0),
        })
    }

    /// Waits for a slot, first come, first served. `None` never happens: the semaphore is not closed.
    pub(super) async fn turn(self: &Arc<Self>) -> Option<Turn> {
        let slot = self.slots.clone().acquire_owned().await.ok()?;
        Some(Turn { slots: self.clone(), slot: Some(slot), began: Instant::now() })
    }

    pub(super) fn free(&self) -> usize {
        self.slots.available_permits()
    }

    pub(super) fn are_wanted_back(&self) -> bool {
        self.wanted_back.load(Ordering::Relaxed) > 0
    }
}

/// The slot of one piece of work; dropping it frees the slot.
#[derive(Debug)]
pub struct Turn {
    slots: Arc<Slots>,
    /// A slot's permit or the slow lane's; `None` only while a slot is lent.
    slot: Option<OwnedSemaphorePermit>,
    began: Instant,
}

impl Turn {
    /// Completes when the work should be interrupted: it has held its slot for longer than `slice`, another account
    /// waits for a slot, and the slow lane is occupied. Otherwise, and once the work is in the slow lane, it never
    /// completes.
    ///
    /// `others_wait` returns whether another account waits that has nothing running.
    pub async fn overrun<F: Future<Output = bool>>(&mut self, slice: Duration, others_wait: impl Fn() -> F) {
        sleep(slice).await;
        while !self.has_to_make_room(&others_wait).await {
            sleep(LOOK_EVERY).await;
        }
        // Replacing the permit frees the slot: the work continues in the lane for the rest of its time.
        let Ok(place) = self.slots.slow_lane.clone().try_acquire_owned() else { return };
        self.slot = Some(place);
        std::future::pending::<()>().await;
    }

    /// Called between two steps of work that can pause. If the work has held its slot for a while and others wait,
    /// lends the slot and returns after getting one again.
    pub async fn lend<F: Future<Output = bool>>(&mut self, others_wait: impl Fn() -> F) {
        if self.began.elapsed() < STOPPABLE_SLICE {
            return;
        }
        if self.has_to_make_room(&others_wait).await {
            // Counted before the slot is free, so that the next holder of the slot sees it.
            let wanted = WantedBack::new(&self.slots);
            self.slot = None;
            self.slot = self.slots.slots.clone().acquire_owned().await.ok();
            drop(wanted);
        }
        self.began = Instant::now();
    }

    /// True if this work must release its slot now.
    async fn has_to_make_room<F: Future<Output = bool>>(&self, others_wait: &impl Fn() -> F) -> bool {
        // The lock makes concurrent work check one after another: the second finds a recent check and keeps its slot.
        let mut looked = self.slots.looked.lock().await;
        let recently = looked.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        // A free slot is enough: the waiting account is about to take it.
        if recently || self.slots.free() > 0 {
            return false;
        }
        // Checked again after a moment: the account may just be getting a slot.
        let mut wait = others_wait().await;
        if wait {
            sleep(SERVED_WITHIN).await;
            wait = others_wait().await;
        }
        *looked = Some(Instant::now());
        wait
    }
}

/// Counts work that waits to get its slot back, until dropped.
struct WantedBack(Arc<Slots>);

impl WantedBack {
    fn new(slots: &Arc<Slots>) -> Self {
        slots.wanted_back.fetch_add(1, Ordering::Relaxed);
        Self(slots.clone())
    }
}

impl Drop for WantedBack {
    fn drop(&mut self) {
        self.0.wanted_back.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    async fn yes() -> bool {
        true
    }

    async fn no() -> bool {
        false
    }

    async fn is_broken_off(turn: &mut Turn, others_wait: bool) -> bool {
        let overrun = turn.overrun(SLICE, || async move { others_wait });
        tokio::time::timeout(LONG, overrun).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn work_keeps_its_slot_as_long_as_nobody_waits() {
        let slots = Slots::new(1);
        let mut turn = slots.turn().await.unwrap();
        assert!(!is_broken_off(&mut turn, false).await);
        assert_eq!(slots.free(), 0);
        turn.lend(no).await;
        assert_eq!(slots.free(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_overrun_runs_on_in_the_slow_lane_and_the_next_is_broken_off() {
        let slots = Slots::new(1);
        let mut slow = slots.turn().await.unwrap();
        assert!(!is_broken_off(&mut slow, true).await, "it runs on");
        assert_eq!(slots.free(), 1, "and its slot is free");
        let mut next = slots.turn().await.unwrap();
        assert!(is_broken_off(&mut next, true).await);
        drop((slow, next));
        let mut later = slots.turn().await.unwrap();
        assert!(!is_broken_off(&mut later, true).await, "the lane is free again");
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_makes_room_and_none_while_a_slot_is_free() {
        let slots = Slots::new(2);
        let mut first = slots.turn().await.unwrap();
        assert!(!is_broken_off(&mut first, true).await);
        assert_eq!(slots.free(), 1, "it still holds its slot: the other one is free");
        let mut second = slots.turn().await.unwrap();
        let both = tokio::time::timeout(LONG, async {
            tokio::join!(first.overrun(SLICE, yes), second.overrun(SLICE, yes));
        });
        assert!(both.await.is_err());
        assert_eq!(slots.free(), 1, "one of them is in the slow lane, the other goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lent_slot_serves_those_who_wait_and_comes_back() {
        let slots = Slots::new(1);
        let mut large = slots.turn().await.unwrap();
        let newcomer = tokio::spawn({
            let slots = slots.clone();
            async move {
                let turn = slots.turn().await;
                assert!(slots.are_wanted_back());
                drop(turn);
            }
        });
        tokio::task::yield_now().await;
        large.lend(yes).await;
        assert!(!newcomer.is_finished(), "within its slice it keeps the slot");
        sleep(STOPPABLE_SLICE).await;
        large.lend(yes).await;
        newcomer.await.unwrap();
        assert_eq!((slots.free(), slots.are_wanted_back()), (0, false), "it has its slot back");
    }
}
