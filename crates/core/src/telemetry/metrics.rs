//! Names of the metrics, and the registry in Prometheus' text format.
//!
//! Services record with the macros of the `metrics` crate and the names below. Labels have few values, so neither
//! accounts nor ids are among them.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::TelemetryError;

/// Counter: rows with an outcome, by `entity`, `action` and `outcome`.
pub const ROWS: &str = "bulk_rows_total";
/// Counter: chunks finished or given back by a worker, or given up because their workers die, by `result`.
pub const CHUNKS: &str = "bulk_chunks_total";
/// Histogram: time from claim to commit of a chunk, in seconds.
pub const CHUNK_DURATION: &str = "bulk_chunk_duration_seconds";
/// Histogram: time from creation (or the scheduled time) to the end of an action, in seconds.
pub const ACTION_DURATION: &str = "bulk_action_duration_seconds";
/// Gauge: unfinished jobs of a queue, by `queue`; NaN while Redis is unavailable.
pub(crate) const QUEUE_LENGTH: &str = "bulk_queue_length";
/// Gauge: undelivered jobs of a queue, by `queue`; NaN while Redis is unavailable.
pub(crate) const QUEUE_LAG: &str = "bulk_queue_lag";
/// Gauge: jobs running in this worker, by `queue`.
pub(crate) const JOBS_RUNNING: &str = "bulk_jobs_running";
/// Gauge: most concurrent jobs of this worker, by `queue`.
pub(crate) const JOB_SLOTS: &str = "bulk_job_slots";
/// Counter: chunks and files whose lease ran out; from the leading reconciler.
pub const LEASES_LOST: &str = "bulk_leases_lost_total";
/// Gauge: 1 while this worker's circuit of a `dependency` is open and it claims nothing, otherwise 0.
pub(crate) const BREAKER_OPEN: &str = "bulk_breaker_open";
/// Counter: jobs put back for another attempt.
pub const RETRIES: &str = "bulk_retries_total";
/// Counter: expired objects removed from object storage, by `part` of their action.
pub const OBJECTS_REMOVED: &str = "bulk_objects_removed_total";
/// Counter: removal attempts that left objects of an action, by `part`.
pub const REMOVAL_FAILURES: &str = "bulk_removal_failures_total";
/// Gauge: pending removals by `state` (waiting, failing); from the leading reconciler.
pub const REMOVALS: &str = "bulk_removals";
/// Counter: HTTP requests, by `route`, `method` and `status`.
pub const HTTP_REQUESTS: &str = "http_requests_total";
/// Histogram: time until the start of an HTTP response, in seconds, by `route` and `method`.
pub const HTTP_REQUEST_DURATION: &str = "http_request_duration_seconds";
/// Gauge: connections of the PostgreSQL pool, by `state` (idle, used).
pub(crate) const DB_POOL_CONNECTIONS: &str = "db_pool_connections";
/// Gauge: maximum number of connections of the PostgreSQL pool.
pub(crate) const DB_POOL_MAX_CONNECTIONS: &str = "db_pool_max_connections";
/// Counter: log lines not passed to Loki because there were too many at once; stdout has them.
pub(crate) const LOG_LINES_DROPPED: &str = "log_lines_dropped_total";

/// A chunk takes hundreds of milliseconds; a slow database stretches that to minutes.
const CHUNK_BUCKETS_SECONDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// From a hundred rows to ten million.
const ACTION_BUCKETS_SECONDS: [f64; 10] = [0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];
/// Reads stay below 100 ms; uploads take as long as the client sends.
const HTTP_BUCKETS_SECONDS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

/// Short enough that histograms that are never scraped do not accumulate samples.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

static REGISTRY: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder of this process. Later calls have no effect, so that tests can start several services in one
/// process.
///
/// # Errors
/// If the recorder cannot be built, or its upkeep thread cannot be started.
pub fn install() -> Result<(), TelemetryError> {
    let recorder = build()?;
    let handle = recorder.handle();
    // Only the recorder that wins becomes the rendered registry.
    if REGISTRY.get().is_none() && metrics::set_global_recorder(recorder).is_ok() {
        let upkeep = handle.clone();
        thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
            loop {
                thread::sleep(UPKEEP_INTERVAL);
                upkeep.run_upkeep();
            }
        })?;
        REGISTRY.get_or_init(|| handle);
        describe();
    }
    Ok(())
}

/// All metrics of this process in Prometheus' text format; empty before [`install`].
#[must_use]
pub fn render() -> String {
    REGISTRY.get().map(PrometheusHandle::render).unwrap_or_default()
}

fn build() -> Result<PrometheusRecorder, TelemetryError> {
    let named = |name: &str| Matcher::Full(name.to_owned());
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(named(CHUNK_DURATION), &CHUNK_BUCKETS_SECONDS)?
        .set_buckets_for_metric(named(ACTION_DURATION), &ACTION_BUCKETS_SECONDS)?
        .set_buckets_for_metric(named(HTTP_REQUEST_DURATION), &HTTP_BUCKETS_SECONDS)?
        .build_recorder())
}

fn describe() {
    describe_counter!(ROWS, "Rows with an outcome");
    describe_counter!(CHUNKS, "Chunks that a worker finished or gave back");
    describe_histogram!(CHUNK_DURATION, Unit::Seconds, "From claim to commit of a chunk");
    describe_histogram!(
        ACTION_DURATION,
        Unit::Seconds,
        "From creation or scheduled time to the end of an action"
    );
    describe_counter!(OBJECTS_REMOVED, "Objects removed from object storage because their time was over");
    describe_counter!(REMOVAL_FAILURES, "Attempts at removing the objects of an action that left some");
    describe_gauge!(REMOVALS, "Removals that are decided and not carried out");
    describe_gauge!(QUEUE_LENGTH, "Jobs of a queue that are not finished");
    describe_gauge!(QUEUE_LAG, "Jobs of a queue that no worker has been given yet");
    describe_gauge!(JOBS_RUNNING, "Jobs that this worker is at");
    describe_gauge!(JOB_SLOTS, "Jobs that this worker takes at a time");
    describe_gauge!(BREAKER_OPEN, "1 while the circuit of a dependency is open");
    describe_counter!(LEASES_LOST, "Leases that ran out under a worker");
    describe_counter!(RETRIES, "Jobs that were put back to be tried again");
    describe_counter!(HTTP_REQUESTS, "HTTP requests");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "Time until an HTTP answer begins");
    describe_gauge!(DB_POOL_CONNECTIONS, "Connections of the PostgreSQL pool");
    describe_gauge!(DB_POOL_MAX_CONNECTIONS, "Connections that the PostgreSQL pool may have");
    metrics_process::Collector::default().describe();
    describe_counter!(LOG_LINES_DROPPED, "Log lines not handed to Loki because too many came at once");
    // Exists from the start, so that an alert can see the first increase.
    metrics::counter!(LOG_LINES_DROPPED).increment(0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn installing_twice_keeps_one_registry() {
        install().unwrap();
        metrics::counter!(RETRIES).increment(1);
        install().unwrap();
        metrics::counter!(RETRIES).increment(1);
        let text = render();
        assert!(text.contains("# TYPE bulk_retries_total counter\nbulk_retries_total 2"), "{text}");
    }

    /// The names at the beginning of the table rows in the document's part on metrics.
    fn documented() -> BTreeSet<&'static str> {
        let lines = include_str!("../../../../docs/observability.md").lines();
        let rows = lines.skip_while(|line| *line != "## Metrics");
        rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect()
    }

    #[test]
    fn every_metric_is_documented_and_nothing_else_is() {
        let is_public = |line: &&str| line.starts_with("pub const ") || line.starts_with("pub(crate) const ");
        let constants = include_str!("metrics.rs").lines().filter(is_public);
        let names: BTreeSet<_> = constants.map(|line| line.split('"').nth(1).unwrap()).collect();
        assert_eq!(documented(), names);
    }

    #[test]
    fn durations_are_rendered_with_their_buckets() {
        install().unwrap();
        metrics::histogram!(CHUNK_DURATION).record(0.03);
        let text = render();
        assert!(text.contains(r#"bulk_chunk_duration_seconds_bucket{le="0.025"} 0"#), "{text}");
        assert!(text.contains(r#"bulk_chunk_duration_seconds_bucket{le="0.05"} 1"#), "{text}");
    }
}
