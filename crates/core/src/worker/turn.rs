//! The slots of one worker, and how a piece of work that takes long gives its slot to others.
//!
//! A slot is what a worker's concurrency counts. Work may hold it for a slice of time; after that, and only while another account
//! waits that has nothing running anywhere, it makes room in one of two ways:
//!
//! - a chunk moves to the slow lane, one further place per worker, and runs on there. Where the lane is taken its attempt is
//!   broken off, and begins again later ([`Turn::overrun`]). What is in the lane is never broken off, so that however
//!   many others come, chunks that take long are done one after another.
//! - a file's reading stops between two rows and waits for a slot again ([`Turn::lend`]): no work is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// How long work may hold a slot that another account waits for. A full chunk of rows that nothing hinders takes about as long
/// on a busy machine, and a small action of somebody else has to end within a second.
pub const SLICE: Duration = Duration::from_millis(300);
/// The same for work that can stop at any time and loses nothing by it.
const STOPPABLE_SLICE: Duration = Duration::from_millis(100);
/// How often a worker looks whether somebody waits, while work is over its slice.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Who waits for less than this is just being served: a job is on its way, or a claim.
const SERVED_WITHIN: Duration = Duration::from_millis(20);
/// Chunks that run on beside the slots of one worker.
const SLOW_LANE: usize = 1;

/// The slots of a worker.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Arc<Semaphore>,
    slow_lane: Arc<Semaphore>,
    /// When it was looked last whether somebody waits. One piece of work looks for all, makes room if it has to, and who waits
    /// gets the time to take it.
    looked: Mutex<Option<Instant>>,
    /// Work that has lent its slot and waits for one again.
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

    /// Waits for a slot, in the order of asking. `None` never happens: the semaphore is not closed.
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
    /// Ends when the work should be broken off to make room: it has held its slot for longer than `slice`, somebody waits for a
    /// slot, and the slow lane is taken. While nobody waits, or once the work is in the slow lane, it does not end.
    ///
    /// `others_wait` asks whether another account waits that has nothing running.
    pub async fn overrun<F: Future<Output = bool>>(&mut self, slice: Duration, others_wait: impl Fn() -> F) {
        sleep(slice).await;
        while !self.has_to_make_room(&others_wait).await {
            sleep(LOOK_EVERY).await;
        }
        let Ok(place) = self.slots.slow_lane.clone().try_acquire_owned() else { return };
        self.slot = Some(place);
        std::future::pending::<()>().await;
    }

    /// Between two steps of work that can stop: once it has held its slot for a while and others wait, lends the slot, and
    /// returns with a slot again.
    pub async fn lend<F: Future<Output = bool>>(&mut self, others_wait: impl Fn() -> F) {
        if self.began.elapsed() < STOPPABLE_SLICE {
            return;
        }
        if self.has_to_make_room(&others_wait).await {
            // Counted before the slot is free, so that the one who takes it sees it.
            let wanted = WantedBack::new(&self.slots);
            self.slot = None;
            self.slot = self.slots.slots.clone().acquire_owned().await.ok();
            drop(wanted);
        }
        self.began = Instant::now();
    }

    /// Whether it is this work that makes room now.
    async fn has_to_make_room<F: Future<Output = bool>>(&self, others_wait: &impl Fn() -> F) -> bool {
        let mut looked = self.slots.looked.lock().await;
        let recently = looked.is_some_and(|at| at.elapsed() < LOOK_EVERY);
        // A free slot is room enough: who waits is about to take it.
        if recently || self.slots.free() > 0 {
            return false;
        }
        let mut wait = others_wait().await;
        if wait {
            sleep(SERVED_WITHIN).await;
            wait = others_wait().await;
        }
        *looked = Some(Instant::now());
        wait
    }
}

/// Counts work that waits to get its slot back, until it is dropped.
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
