//! The operator's view of the real services: metrics, dashboards, alert rules, log lines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod alerts;
mod dashboards;
mod health;
mod logs;
mod prometheus;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Generous: tests run in parallel on few cores.
const DEADLINE: Duration = Duration::from_secs(90);

/// Root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Contacts, every tenth of them without a valid e-mail address.
fn contacts(rows: usize) -> String {
    let row = |n: usize| {
        let at = if n.is_multiple_of(10) { "-at-" } else { "@" };
        format!("row{n}{at}example.com,Somebody,30\n")
    };
    std::iter::once("email,name,age\n".to_owned()).chain((1..=rows).map(row)).collect()
}
