//! The schedule of faults: a sequence determined by its seed.

use std::time::Duration;

use fastrand::Rng;
use testkit::{Fault, Signal, Store};

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Processes of the platform are killed, stopped or frozen.
    Services,
    /// PostgreSQL and Redis crash; Redis loses its data.
    Stores,
    /// Connections to the stores fail, and S3 refuses requests.
    Network,
}

/// A fault. It ends when the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// SIGKILL, and a restart after the pause.
    Kill(&'static str),
    /// SIGTERM: the process must end by itself, and is restarted at once.
    Terminate(&'static str),
    /// SIGSTOP for longer than a lease, then SIGCONT.
    Freeze(&'static str),
    /// Redis loses all data.
    FlushRedis,
    /// Redis dies and restarts empty.
    EmptyRedis,
    /// A store's process gets a signal and restarts.
    Crash(Store, Signal),
    /// A PostgreSQL process that serves a session dies, which ends all sessions.
    KillSession,
    /// The connection to a store, or the store itself, fails for a while.
    Break(Way, Fault, Duration),
}

/// Connection between the services and a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Database,
    Redis,
    S3,
}

/// Names of workers and API in [`testkit::Platform`].
pub(crate) const SERVICES: [&str; 5] =
    ["api", "chunking-worker-1", "chunking-worker-2", "processing-worker-1", "processing-worker-2"];

/// An endless sequence of faults, each with the pause before it.
pub(crate) struct Plan {
    random: Rng,
    kinds: &'static [Kind],
}

impl Plan {
    pub(crate) fn new(seed: u64, kinds: &'static [Kind]) -> Self {
        Self { random: Rng::with_seed(seed), kinds }
    }

    fn service(&mut self) -> &'static str {
        SERVICES[self.random.usize(..SERVICES.len())]
    }

    fn services(&mut self) -> Trouble {
        let service = self.service();
        match self.random.u8(..10) {
            0 => Trouble::Freeze(service),
            1 | 2 => Trouble::Terminate(service),
            _ => Trouble::Kill(service),
        }
    }

    fn stores(&mut self) -> Trouble {
        match self.random.u8(..10) {
            0..=2 => Trouble::FlushRedis,
            3 | 4 => Trouble::EmptyRedis,
            5 => Trouble::Crash(Store::Redis, Signal::SIGKILL),
            6 => Trouble::Crash(Store::Postgres, Signal::SIGKILL),
            // Immediate shutdown: no checkpoint, recovery at the next start.
            7 => Trouble::Crash(Store::Postgres, Signal::SIGQUIT),
            _ => Trouble::KillSession,
        }
    }

    fn network(&mut self) -> Trouble {
        let lasting = Duration::from_millis(self.random.u64(500..3000));
        let (way, fault) = match self.random.u8(..12) {
            0 | 1 => (Way::S3, Fault::Away),
            2 => (Way::S3, Fault::Silent),
            3 => (Way::S3, Fault::Slow { bytes_per_second: self.random.usize(1_000..100_000) }),
            4 => (Way::S3, Fault::Cut { after_bytes: self.random.usize(..20_000) }),
            5 => (Way::S3, Fault::Answer { status: 503 }),
            6 => (Way::S3, Fault::RefuseWrites { status: 507 }),
            7 => (Way::Redis, Fault::Away),
            8 => (Way::Redis, Fault::Silent),
            9 => (Way::Redis, Fault::Cut { after_bytes: self.random.usize(..2_000) }),
            10 => (Way::Database, Fault::Away),
            _ => (Way::Database, Fault::Silent),
        };
        Trouble::Break(way, fault, lasting)
    }
}

impl Iterator for Plan {
    type Item = (Duration, Trouble);

    fn next(&mut self) -> Option<(Duration, Trouble)> {
        let pause = Duration::from_millis(self.random.u64(50..500));
        let trouble = match self.kinds[self.random.usize(..self.kinds.len())] {
            Kind::Services => self.services(),
            Kind::Stores => self.stores(),
            Kind::Network => self.network(),
        };
        Some((pause, trouble))
    }
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    const KINDS: &[Kind] = &[Kind::Services, Kind::Stores, Kind::Network];
    let plan = |seed| Plan::new(seed, KINDS).take(100).collect::<Vec<_>>();
    assert_eq!(plan(7), plan(7));
    assert_ne!(plan(7), plan(8));
}
