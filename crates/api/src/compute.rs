//! Threads for CPU-bound work: decompressing and parsing uploads, and searching results. On the request threads a few
//! compressed files would block everything else, including liveness checks. There are fewer of these threads than
//! cores; work on them takes turns, because the reader yields after every stretch of text, and a search looks at one
//! chunk at a time.

use std::sync::LazyLock;
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

static THREADS: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread().worker_threads((cores / 2).max(1)).thread_name("compute").enable_all().build()
});

/// Runs `work` on the threads for CPU-bound work.
pub(crate) fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match THREADS.as_ref() {
        Ok(threads) => threads.spawn(work),
        // The machine cannot start another thread: run on the request threads, which is slower for the others but
        // works.
        Err(error) => {
            tracing::warn!(%error, "no threads for computing could be started");
            tokio::spawn(work)
        }
    }
}
