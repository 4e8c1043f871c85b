//! Results as tables for the terminal and docs/performance.md, and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::idle::Idle;
use crate::latency::Latency;
use crate::pair::Pair;

/// All results of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Date, in UTC.
    pub date: String,
    /// Version of PostgreSQL.
    pub postgres: String,
    /// Number of processors.
    pub processors: usize,
    /// Number of processing workers.
    pub processing_workers: u16,
    /// Number of rounds per pair.
    pub rounds: u32,
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Latency of small actions.
    pub latency: Latency,
    /// Cost of the idle platform.
    pub idle: Idle,
}

impl Report {
    /// The tables in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "{}, {}, {} processors, {} processing workers, {} rounds\n\n",
            self.date, self.postgres, self.processors, self.processing_workers, self.rounds
        );
        text.push_str(
            "| action | by | rows | duplicates | direct rows/s | platform rows/s | ratio | MB to S3 | objects \
             | Redis commands per 1,000 rows | transactions per 1,000 rows |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        for pair in &self.pairs {
            pair_line(&mut text, pair);
        }
        text.push_str("\nPeak memory in MiB and processor seconds of each process:\n\n");
        for pair in &self.pairs {
            let used = pair.used.iter().map(|(name, used)| {
                format!("{name} {:.0} MiB {:.1} s", used.peak_bytes as f64 / 1_048_576.0, used.cpu_seconds)
            });
            let used = used.collect::<Vec<_>>().join(", ");
            let direct = pair.direct_postgres_seconds;
            let _ = writeln!(text, "- {}: {used} (direct: postgres {direct:.1} s)", title(pair));
        }
        let _ = writeln!(
            text,
            "\n{} actions of {} rows one after another, from upload to `completed`: median {:.0} ms, slowest {:.0} ms.",
            self.latency.actions, self.latency.rows, self.latency.median_ms, self.latency.slowest_ms
        );
        let cpu =
            self.idle.cpu_seconds.iter().map(|(name, seconds)| format!("{name} {:.2} %", seconds * 100.0));
        let _ = writeln!(
            text,
            "Idle, per second: {:.1} Redis commands, {:.1} transactions; of one processor: {}.",
            self.idle.redis_commands,
            self.idle.transactions,
            cpu.collect::<Vec<_>>().join(", ")
        );
        text
    }
}

fn title(pair: &Pair) -> String {
    let workload = &pair.workload;
    format!("{} by {:?}, {}", workload.action.action_type(), workload.identity, workload.rows)
}

fn pair_line(text: &mut String, pair: &Pair) {
    let (workload, work) = (&pair.workload, &pair.work);
    let per_thousand = |count: i64| count as f64 * 1000.0 / f64::from(workload.rows);
    let deduplicate = if workload.deduplicate { ", deduplicate" } else { "" };
    let _ = writeln!(
        text,
        "| {} | {:?} | {} | {} %{deduplicate} | {:.0} | {:.0} | {:.2} | {:.1} | {} | {:.1} | {:.1} |",
        workload.action.action_type(),
        workload.identity,
        workload.rows,
        workload.duplicates_percent,
        pair.direct_rate(),
        pair.platform_rate(),
        pair.ratio(),
        work.object_bytes as f64 / 1e6,
        work.objects,
        per_thousand(work.redis_commands),
        per_thousand(work.transactions),
    );
}
