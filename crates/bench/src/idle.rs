//! What the platform costs while nobody uses it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::services::Services;

const WATCHED: Duration = Duration::from_secs(10);

/// Per second of idleness.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Idle {
    /// Processor seconds of each process.
    pub cpu_seconds: BTreeMap<String, f64>,
    /// Commands to Redis.
    pub redis_commands: f64,
    /// Transactions of PostgreSQL.
    pub transactions: f64,
}

/// Watches the idle platform for a while.
///
/// # Errors
/// When a store does not answer.
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
