//! Gauges that are read at scrape time, because no event reports their changes.
//!
//! Every service reads the queues, so that the backlog is known while any of them runs; all report the same values.

use std::time::Duration;

use metrics::gauge;

use super::metrics::{DB_POOL_CONNECTIONS, DB_POOL_MAX_CONNECTIONS, QUEUE_LAG, QUEUE_LENGTH};
use crate::dependencies::Dependencies;
use crate::queue::{Queue, QueueName};

/// Timeout for Redis. If a scrape took longer, Prometheus would drop it with all other metrics of the process.
const QUEUE_PATIENCE: Duration = Duration::from_secs(1);

/// Updates the gauges.
pub async fn read(dependencies: &Dependencies) {
    let pool = &dependencies.pool;
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    gauge!(DB_POOL_CONNECTIONS, "state" => "idle").set(idle);
    gauge!(DB_POOL_CONNECTIONS, "state" => "used").set(pool.size().saturating_sub(idle));
    gauge!(DB_POOL_MAX_CONNECTIONS).set(pool.options().get_max_connections());
    metrics_process::Collector::default().collect();
    let [first, second] = QueueName::ALL;
    tokio::join!(read_queue(&dependencies.queue, first), read_queue(&dependencies.queue, second));
}

/// Sets the gauges to NaN while Redis is unavailable: the last values would look current.
async fn read_queue(queue: &Queue, name: QueueName) {
    let backlog = tokio::time::timeout(QUEUE_PATIENCE, queue.backlog(name)).await;
    let (length, lag) = match backlog {
        Ok(Ok(backlog)) => (backlog.length as f64, backlog.lag as f64),
        Ok(Err(_)) | Err(_) => (f64::NAN, f64::NAN),
    };
    gauge!(QUEUE_LENGTH, "queue" => name.as_str()).set(length);
    gauge!(QUEUE_LAG, "queue" => name.as_str()).set(lag);
}
