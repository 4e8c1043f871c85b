//! The trace of the current request, for everything that must name it: every response, and the action that an upload
//! creates.

use bulk_core::telemetry::TraceContext;

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// Runs `work` as part of `trace`.
pub(crate) async fn within<F: Future>(trace: TraceContext, work: F) -> F::Output {
    CURRENT.scope(trace, work).await
}

/// The trace of the current request, or a new one outside of any request.
pub(crate) fn current() -> TraceContext {
    CURRENT.try_with(|trace| *trace).unwrap_or_else(|_| TraceContext::new())
}
