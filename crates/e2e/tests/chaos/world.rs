//! A platform on private stores, with methods that cause faults.

use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, Platform, PlatformOptions, PrivateStores, Signal, Store, Variables};
use tokio::time::sleep;

use crate::plan::{Plan, Trouble, Way};

/// The guaranteed time of an orderly exit, with any store down.
const END_WITHIN: Duration = Duration::from_secs(30);
/// Longer than the leases under test, which are 2 s.
const FROZEN: Duration = Duration::from_millis(2500);
const DEAD: Duration = Duration::from_millis(100);

/// The stores and processes.
pub(crate) struct World {
    pub stores: PrivateStores,
    pub platform: Platform,
}

impl World {
    /// Small chunks, so that few rows make many; a short shutdown time, so that a hanging store is noticed.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let stores = PrivateStores::start().await;
        let mut settings: Variables =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        settings.entry("CHUNK_SIZE".to_owned()).or_insert_with(|| "50".to_owned());
        let options = PlatformOptions { processing_workers: 2, chunking_workers: 2, settings };
        let platform = Platform::start_on(stores.settings(), options).await;
        Self { stores, platform }
    }

    /// Follows the plan for this time.
    pub(crate) async fn suffer(&mut self, plan: Plan, lasting: Duration) {
        let began = Instant::now();
        for (pause, trouble) in plan {
            sleep(pause).await;
            if began.elapsed() > lasting {
                return;
            }
            note(&format!("{:6.2} {trouble:?}", began.elapsed().as_secs_f64()));
            self.make(trouble).await;
        }
    }

    /// Causes a fault and, if it would last, ends it.
    pub(crate) async fn make(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Kill(service) => {
                self.platform.kill(service, Signal::SIGKILL).await;
                sleep(DEAD).await;
                self.platform.start_again(service);
            }
            Trouble::Terminate(service) => {
                self.platform.kill(service, Signal::SIGTERM).await;
                self.platform.wait_end(service, END_WITHIN).await;
                self.platform.start_again(service);
            }
            Trouble::Freeze(service) => {
                self.platform.kill(service, Signal::SIGSTOP).await;
                sleep(FROZEN).await;
                self.platform.kill(service, Signal::SIGCONT).await;
            }
            Trouble::FlushRedis => self.stores.flush_redis().await,
            Trouble::EmptyRedis => {
                self.stores.flush_redis().await;
                self.stores.kill(Store::Redis, Signal::SIGKILL);
            }
            Trouble::Crash(store, signal) => self.stores.kill(store, signal),
            Trouble::KillSession => self.stores.kill_database_session().await,
            Trouble::Break(way, fault, lasting) => {
                self.way(way).set(fault);
                sleep(lasting).await;
                self.way(way).set(Fault::None);
            }
        }
    }

    pub(crate) fn way(&self, way: Way) -> &FaultProxy {
        match way {
            Way::Database => &self.stores.database,
            Way::Redis => &self.stores.redis,
            Way::S3 => &self.stores.s3,
        }
    }

    /// Stops everything in order.
    pub(crate) async fn stop(self) {
        self.platform.stop().await;
        self.stores.stop().await;
    }
}

/// Shown by nextest when the test fails.
#[allow(clippy::print_stderr, reason = "a failing run must be explainable")]
pub(crate) fn note(line: &str) {
    eprintln!("chaos: {line}");
}
