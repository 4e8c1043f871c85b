//! Logs, metrics, and the trace id that connects an HTTP response with the log lines of every worker.
//!
//! Stdout carries every line as JSON and is the complete log. With `LOKI_URL`, Loki gets the same lines as far as it
//! keeps up: shipping logs must never block the service or fill its memory.

pub mod metrics;
pub mod readings;
pub mod trace;

mod json;
mod loki;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::TelemetryConfig;

pub use trace::TraceContext;

/// Reason why logs or metrics cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `LOG_LEVEL` is invalid; the configuration normally rejects it before.
    #[error("the log level cannot be understood")]
    LogLevel(#[from] tracing_subscriber::filter::ParseError),
    /// The Loki client rejects its settings.
    #[error("logs cannot be shipped to Loki")]
    Loki(#[from] tracing_loki::Error),
    /// The thread for shipping logs or for metrics upkeep cannot be started.
    #[error("a telemetry thread cannot be started")]
    Thread(#[from] std::io::Error),
    /// Logs have already been set up in this process.
    #[error("logs are set up already")]
    AlreadyInitialized(#[from] tracing_subscriber::util::TryInitError),
    /// The buckets of a metric are invalid.
    #[error("metrics cannot be recorded")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Keeps log shipping alive. Dropping it sends the remaining lines to Loki, for at most two seconds; hold it until
/// `main` ends.
#[must_use = "what is not shipped yet is lost if this is dropped early"]
#[derive(Debug)]
pub struct TelemetryGuard {
    _shipper: Option<loki::Shipper>,
}

/// Sets up logs and metrics of a process. Called once by `main` with the service's name.
///
/// # Errors
/// See [`TelemetryError`]; a second call in one process is an error too.
pub fn init(service: &'static str, config: &TelemetryConfig) -> Result<TelemetryGuard, TelemetryError> {
    // The uptime counts from its first reading.
    let _ = crate::health::uptime();
    metrics::install()?;

    let (loki_layer, shipper) = match &config.loki_url {
        Some(url) => {
            let (layer, shipper) = loki::Target::new(service, config.environment, url).start()?;
            (Some(layer), Some(shipper))
        }
        None => (None, None),
    };
    tracing_subscriber::registry()
        .with(level_filter(&config.log_level)?)
        .with(json::JsonLayer::new(service, std::io::stdout))
        .with(loki_layer)
        .try_init()?;
    Ok(TelemetryGuard { _shipper: shipper })
}

/// Applies `LOG_LEVEL` to events only. A filter of `warn` on spans would remove the `traceId` of the surrounding span
/// from warnings.
fn level_filter(log_level: &str) -> Result<FilterFn<impl Fn(&Metadata<'_>) -> bool + use<>>, TelemetryError> {
    let targets: Targets = log_level.parse()?;
    Ok(FilterFn::new(move |metadata: &Metadata<'_>| {
        let carries_context = metadata.is_span() && *metadata.level() <= Level::INFO;
        carries_context || targets.would_enable(metadata.target(), metadata.level())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_keeps_the_fields_of_its_info_span_when_only_warnings_are_logged() {
        let output = json::Output::default();
        let subscriber = tracing_subscriber::registry()
            .with(level_filter("warn,chatty=debug").unwrap())
            .with(json::JsonLayer::new("test", output.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("request", traceId = "t-1").in_scope(|| {
                tracing::info!("hidden");
                tracing::warn!("shown");
                tracing::debug!(target: "chatty", "shown too");
            });
        });
        let lines = output.lines();
        let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["shown", "shown too"]);
        assert!(lines.iter().all(|line| line["traceId"] == "t-1"));
    }

    #[tokio::test]
    async fn a_second_initialization_is_an_error_and_not_a_panic() {
        let settings = [
            ("DATABASE_URL", "postgres://localhost/x"),
            ("REDIS_URL", "redis://localhost"),
            ("MINIO_ACCESS_KEY", "x"),
            ("MINIO_SECRET_KEY", "x"),
        ];
        let config = crate::config::Config::from_settings(&settings.into_iter().collect()).unwrap();
        let _guard = init("test", &config.telemetry).unwrap();
        assert!(matches!(init("test", &config.telemetry), Err(TelemetryError::AlreadyInitialized(_))));
    }
}
