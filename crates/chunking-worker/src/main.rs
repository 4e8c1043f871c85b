//! The process of the chunking-worker.

use std::process::ExitCode;

use worker_host::Service;

#[tokio::main]
async fn main() -> ExitCode {
    let run = chunking_worker::run;
    let health_port = |worker: &bulk_core::config::WorkerConfig| worker.chunking_health_port;
    worker_host::main(Service { name: "chunking-worker", health_port, run }).await
}
