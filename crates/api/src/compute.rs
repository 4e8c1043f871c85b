//! Threads for work that computes: unpacking and parsing what is uploaded. On the threads that answer requests a few
//! packed files would hold up everything else, liveness included. There are fewer of these than cores; the work on them
//! takes turns, since the reader pauses after every stretch of text.

use std::io;
use std::sync::LazyLock;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

static THREADS: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread().worker_threads((cores / 2).max(1)).thread_name("compute").enable_all().build()
});

/// Runs `work` on the computing threads.
pub(crate) fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match THREADS.as_ref() {
        Ok(threads) => threads.spawn(work),
        // A machine that has no thread to give: slower for the others, but it works.
        Err(error) => {
            tracing::warn!(%error, "no threads to compute on");
            tokio::spawn(work)
        }
    }
}
