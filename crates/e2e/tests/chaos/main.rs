//! Faults during running actions, on a random schedule determined by a seed; afterwards every guarantee is checked.
//!
//! The short runs are part of the suite and have fixed seeds, so that a failure is caused by the current change. The
//! long one is `./scripts/chaos`, with a new seed each time; `CHAOS_SEED` repeats one (of a long or short run),
//! `CHAOS_SECONDS` and `CHAOS_ROWS` set the duration of the faults and the size of the files.
//!
//! A seed determines the faults and pauses. Their effect depends on the machine's speed, so a repetition is similar,
//! not identical.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod newcomers;
mod observer;
mod plan;
mod shutdown;
mod workload;
mod world;

use std::str::FromStr;
use std::time::Duration;

use newcomers::Newcomers;
use observer::Observer;
use plan::{Kind, Plan};
use workload::Running;
use world::{World, note};

/// Recovery time after the last fault: leases run out, breakers close, and the remaining work is done.
const RECOVERY: Duration = Duration::from_secs(90);

struct Run {
    seed: u64,
    seconds: u64,
    rows: u64,
    kinds: &'static [Kind],
}

impl Run {
    fn short(seed: u64, kinds: &'static [Kind]) -> Self {
        let (seed, seconds, rows) = (setting("SEED", seed), setting("SECONDS", 12), setting("ROWS", 6_000));
        Self { seed, seconds, rows, kinds }
    }

    fn long(kinds: &'static [Kind]) -> Self {
        let seed = setting("SEED", fastrand::u64(..1_000_000_000));
        Self { seed, seconds: setting("SECONDS", 120), rows: setting("ROWS", 60_000), kinds }
    }

    async fn go(self) {
        let Self { seed, seconds, rows, kinds } = self;
        note(&format!("CHAOS_SEED={seed} CHAOS_SECONDS={seconds} CHAOS_ROWS={rows} {kinds:?}"));
        let mut world = World::start(&[]).await;
        let mut running = Vec::new();
        for kind in workload::Kind::ALL {
            running.push(workload::upload(&world, kind, rows).await);
        }
        let watched = running.iter().map(|action| (action.client().clone(), action.id.clone())).collect();
        let observer = Observer::start(world.stores.pool(), watched);
        let newcomers = Newcomers::start(&world.platform.url());

        world.suffer(Plan::new(seed, kinds), Duration::from_secs(seconds)).await;
        newcomers.stop();
        note("the troubles are over");
        let calm = tokio::time::Instant::now();
        for action in &running {
            Running::ends_exact(action, world.stores.pool(), RECOVERY).await;
        }
        note(&format!("all over {:.1} s later", calm.elapsed().as_secs_f64()));
        newcomers.ended_exact(world.stores.pool(), RECOVERY).await;
        observer.stop();
        world.stop().await;
    }
}

/// `CHAOS_<name>`, or the default.
fn setting<T: FromStr>(name: &str, default: T) -> T {
    match std::env::var(format!("CHAOS_{name}")) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("CHAOS_{name}={text} is not a number")),
        Err(_) => default,
    }
}

#[tokio::test]
async fn services_die_and_freeze() {
    Run::short(1, &[Kind::Services]).go().await;
}

#[tokio::test]
async fn stores_crash_and_redis_forgets() {
    Run::short(2, &[Kind::Stores]).go().await;
}

#[tokio::test]
async fn the_ways_to_the_stores_fail() {
    Run::short(3, &[Kind::Network]).go().await;
}

#[tokio::test]
#[ignore = "long: ./scripts/chaos runs it"]
async fn everything_breaks_for_long() {
    Run::long(&[Kind::Services, Kind::Services, Kind::Stores, Kind::Network]).go().await;
}
