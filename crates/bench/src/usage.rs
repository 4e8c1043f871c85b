//! Resources used by processes, from `/proc`: Linux only.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use nix::unistd::{SysconfVar, sysconf};
use serde::Serialize;

/// Resources used by a process (PostgreSQL: all of its processes) during a measurement.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// Processor time, user and system.
    pub cpu_seconds: f64,
    /// Peak resident memory. For PostgreSQL that of its largest process, including shared buffers.
    pub peak_bytes: u64,
}

/// The measured processes by name.
pub struct Processes {
    pids: BTreeMap<String, u32>,
    ticks_per_second: f64,
}

impl Processes {
    /// The processes with pid files in the directory, and this one, which runs the object store.
    ///
    /// # Errors
    /// If a pid file cannot be read.
    pub fn of(run_dir: &Path) -> Result<Self> {
        let mut pids = BTreeMap::from([("bench and S3".to_owned(), std::process::id())]);
        for entry in fs::read_dir(run_dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "pid")
                && let Some(name) = path.file_stem()
            {
                let pid = fs::read_to_string(&path)?.trim().parse().context("a pid file without a pid")?;
                pids.insert(name.to_string_lossy().into_owned(), pid);
            }
        }
        let ticks = sysconf(SysconfVar::CLK_TCK)?.context("no clock tick")?;
        Ok(Self { pids, ticks_per_second: ticks as f64 })
    }

    /// Starts a measurement and resets the peaks. Pass the result to [`Self::used_since`].
    #[must_use]
    pub fn start(&self) -> BTreeMap<String, f64> {
        for pid in self.pids.values().flat_map(|&pid| family(pid)) {
            // 5 resets the peak (proc(5)). If that is not allowed, peaks count from the start of the process.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
        self.pids.iter().map(|(name, &pid)| (name.clone(), self.cpu_seconds(pid))).collect()
    }

    /// Resources used since then.
    #[must_use]
    pub(crate) fn used_since(&self, start: &BTreeMap<String, f64>) -> BTreeMap<String, Used> {
        let used = |(name, &pid): (&String, &u32)| {
            let before = start.get(name).copied().unwrap_or_default();
            let peak_bytes = family(pid).into_iter().map(peak_bytes).max().unwrap_or_default();
            (name.clone(), Used { cpu_seconds: self.cpu_seconds(pid) - before, peak_bytes })
        };
        self.pids.iter().map(used).collect()
    }

    /// Processor time of a process, including live and dead children.
    fn cpu_seconds(&self, pid: u32) -> f64 {
        let ticks: u64 = family(pid).into_iter().map(ticks).sum();
        ticks as f64 / self.ticks_per_second
    }
}

/// The process and its children, except for this process, whose children are listed themselves.
fn family(pid: u32) -> Vec<u32> {
    let mut members = vec![pid];
    if pid != std::process::id() {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        members.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    members
}

/// User and system time of a process and its ended children; for this process without children.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may contain anything; the third field follows it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let counted = if pid == std::process::id() { 2 } else { 4 };
    fields.split_whitespace().skip(11).take(counted).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn peak_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
