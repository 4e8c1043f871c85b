//! The process of the processing-worker.

use std::process::ExitCode;

use worker_host::Service;

#[tokio::main]
async fn main() -> ExitCode {
    let run = processing_worker::run;
    let health_port = |worker: &bulk_core::config::WorkerConfig| worker.processing_health_port;
    worker_host::main(Service { name: "processing-worker", health_port, run }).await
}
