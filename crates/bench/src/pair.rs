//! A measurement: the limit and the platform in turn, with the same rows.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::services::{Services, Work};
use crate::upload::Uploader;
use crate::usage::Used;
use crate::workload::{Action, Workload, write_file};
use crate::{direct, table};

const POLL: Duration = Duration::from_millis(20);

/// Result of a measurement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The measured workload.
    pub workload: Workload,
    /// Seconds of the direct way, per round.
    pub direct_seconds: Vec<f64>,
    /// Seconds of the platform, per round.
    pub platform_seconds: Vec<f64>,
    /// Processor seconds of PostgreSQL in the last direct round.
    pub direct_postgres_seconds: f64,
    /// Resources used by each process in the last platform round.
    pub used: BTreeMap<String, Used>,
    /// Work of the stores in the last platform round.
    pub work: Work,
}

impl Pair {
    /// Rows per second of the direct way, median of the rounds.
    #[must_use]
    pub(crate) fn direct_rate(&self) -> f64 {
        f64::from(self.workload.rows) / median(&self.direct_seconds)
    }

    /// Rows per second of the platform, median of the rounds.
    #[must_use]
    pub(crate) fn platform_rate(&self) -> f64 {
        f64::from(self.workload.rows) / median(&self.platform_seconds)
    }

    /// The platform's share of the limit: the median of the rounds' ratios.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let rounds = self.direct_seconds.iter().zip(&self.platform_seconds);
        median(&rounds.map(|(direct, platform)| direct / platform).collect::<Vec<_>>())
    }
}

/// Measures one workload in `rounds` alternating rounds.
///
/// # Errors
/// If a service fails, or a row has an unexpected outcome.
pub async fn measure(services: &Services, workload: Workload, rounds: u32) -> Result<Pair> {
    let caller = Uploader::new(&services.url)?;
    let file = services.directory.join("bench.csv");
    let mut pair = Pair {
        workload,
        direct_seconds: Vec::new(),
        platform_seconds: Vec::new(),
        direct_postgres_seconds: 0.0,
        used: BTreeMap::new(),
        work: Work::default(),
    };
    for round in 0..u64::from(rounds) {
        let order = workload.order(round);
        table::prepare(&services.pool, &workload).await?;
        let start = services.processes.start();
        let took = direct::run(&services.pool, &workload, &order, round).await?;
        let used = services.processes.used_since(&start);
        pair.direct_postgres_seconds = used.get("postgres").map_or(f64::NAN, |used| used.cpu_seconds);
        check_records(services, &workload).await?;
        pair.direct_seconds.push(took.as_secs_f64());

        table::prepare(&services.pool, &workload).await?;
        let ids = if workload.identity.has_id() { table::ids(&services.pool).await? } else { Vec::new() };
        write_file(&file, workload.identity, &ids, &order, round)?;
        drop(ids);
        drop(order);
        let (start, before) = (services.processes.start(), services.work().await?);
        let took = caller.run(&file, &workload, POLL).await?;
        pair.used = services.processes.used_since(&start);
        pair.work = services.work().await?.since(before);
        check_records(services, &workload).await?;
        pair.platform_seconds.push(took.as_secs_f64());
    }
    std::fs::remove_file(file)?;
    Ok(pair)
}

async fn check_records(services: &Services, workload: &Workload) -> Result<()> {
    let expected = if workload.action == Action::Delete { 0 } else { i64::from(workload.records()) };
    let found = table::count(&services.pool).await?;
    ensure!(found == expected, "{found} records instead of {expected}");
    Ok(())
}

/// The median; for an even number of values the lower of the middle two.
#[must_use]
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Identity;

    #[test]
    fn the_ratio_is_that_of_the_rounds_and_not_of_the_medians() {
        let pair = Pair {
            workload: Workload {
                action: Action::Update,
                identity: Identity::Email,
                rows: 100,
                duplicates_percent: 0,
                deduplicate: false,
            },
            direct_seconds: vec![1.0, 4.0, 10.0],
            platform_seconds: vec![2.0, 5.0, 40.0],
            direct_postgres_seconds: 0.0,
            used: BTreeMap::new(),
            work: Work::default(),
        };
        assert_eq!((pair.direct_rate(), pair.platform_rate(), pair.ratio()), (25.0, 20.0, 0.5));
    }
}
