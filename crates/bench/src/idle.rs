//! Cost of an idle platform.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::services::Services;

const WATCHED: Duration = Duration::from_secs(10);

/// Use of resources per second of idleness.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    /// Processor seconds of each process.
    pub cpu_seconds: BTreeMap<String, f64>,
    /// Redis commands.
    pub redis_commands: f64,
    /// PostgreSQL transactions.
    pub transactions: f64,
}

/// Measures the idle platform for a while.
///
/// # Errors
/// If a store does not respond.
pub async fn measure(services: &Services) -> Result<Idle> {
    let (start, before) = (services.processes.start(), services.work().await?);
    tokio::time::sleep(WATCHED).await;
    let (used, work) = (services.processes.used_since(&start), services.work().await?.since(before));
    let per_second = |count: f64| count / WATCHED.as_secs_f64();
    Ok(Idle {
        cpu_seconds: used.into_iter().map(|(name, used)| (name, per_second(used.cpu_seconds))).collect(),
        redis_commands: per_second(work.redis_commands as f64),
        transactions: per_second(work.transactions as f64),
    })
}
