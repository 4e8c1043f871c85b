//! Bounds the log files. A child keeps its file open for appending, so a full file is copied and then truncated in
//! place; lines written between the two steps are lost.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

use crate::console;

/// Size at which a log file is rotated. One predecessor is kept.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
const INTERVAL: Duration = Duration::from_secs(10);

/// Watches a log file for as long as it is polled.
pub(crate) async fn keep_small(log: PathBuf) {
    loop {
        sleep(INTERVAL).await;
        let path = log.clone();
        let rotated = tokio::task::spawn_blocking(move || rotate(&path, MAX_BYTES)).await;
        if let Ok(Err(error)) = rotated {
            console::progress(format!("cannot rotate {}: {error}", log.display()));
        }
    }
}

fn rotate(log: &Path, max_bytes: u64) -> io::Result<()> {
    if fs::metadata(log)?.len() > max_bytes {
        fs::copy(log, log.with_extension("log.1"))?;
        OpenOptions::new().write(true).truncate(true).open(log)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::process::open_log;

    #[test]
    fn a_full_file_is_set_aside_and_written_on_from_its_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.log");
        let mut log = open_log(&path).unwrap();
        log.write_all(b"one\n").unwrap();
        rotate(&path, 4).unwrap();
        assert!(!directory.path().join("api.log.1").exists(), "it is not full");
        log.write_all(b"two\n").unwrap();
        rotate(&path, 4).unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read(directory.path().join("api.log.1")).unwrap(), b"one\ntwo\n");
        assert_eq!(fs::read(&path).unwrap(), b"three\n", "no gap where the old lines were");
    }
}
