//! Latency of a small action on an idle platform.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::services::Services;
use crate::table;
use crate::upload::Uploader;
use crate::workload::{Action, Identity, Workload, write_file};

const ROWS: u32 = 100;
const ACTIONS: u64 = 50;
const POLL: Duration = Duration::from_millis(2);

/// Time from the start of the upload to the first response with `completed`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Rows per action.
    pub rows: u32,
    /// Number of actions, measured one after another.
    pub actions: u64,
    /// Median, in ms.
    pub median_ms: f64,
    /// Maximum, in ms.
    pub slowest_ms: f64,
}

/// Measures small upserts one after another.
///
/// # Errors
/// If a service fails.
pub async fn measure(services: &Services) -> Result<Latency> {
    let workload = Workload {
        action: Action::Upsert,
        identity: Identity::Email,
        rows: ROWS,
        duplicates_percent: 0,
        deduplicate: false,
    };
    table::prepare(&services.pool, &workload).await?;
    let caller = Uploader::new(&services.url)?;
    let file = services.directory.join("small.csv");
    let mut took_ms = Vec::new();
    for seed in 0..ACTIONS {
        write_file(&file, workload.identity, &[], &workload.order(seed), seed)?;
        took_ms.push(caller.run(&file, &workload, POLL).await?.as_secs_f64() * 1000.0);
    }
    std::fs::remove_file(file)?;
    Ok(Latency {
        rows: ROWS,
        actions: ACTIONS,
        median_ms: crate::pair::median(&took_ms),
        slowest_ms: took_ms.iter().copied().fold(0.0, f64::max),
    })
}
