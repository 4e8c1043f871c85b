//! Outcomes of a chunk: its results object, its counts, and its log lines and metrics.

use std::collections::BTreeMap;

use bulk_core::action::Counts;
use bulk_core::chunk::{ChunkRows, ResultsEncoder, RowOutcome, RowStatus};
use bulk_core::db::{ChunkClaim, ChunkCounts};
use bulk_core::telemetry::metrics::ROWS;
use bytes::Bytes;

/// Failed and skipped rows logged per chunk; the results object has all of them.
const MAX_LOGGED_ROWS: usize = 20;

/// One outcome per row of a chunk, in the chunk's order.
pub(crate) struct ChunkResults {
    outcomes: Vec<RowOutcome>,
}

impl ChunkResults {
    /// Merges the outcomes of the applied rows, in their order, with those of the rows that the chunking worker
    /// refused.
    #[must_use]
    pub(crate) fn new(rows: &ChunkRows, applied: Vec<RowOutcome>) -> Self {
        let mut applied = applied.into_iter();
        let outcomes = rows.iter().filter_map(|row| match row.refusal() {
            Some((code, sentence)) => Some(RowOutcome::refused(code, sentence)),
            None => applied.next(),
        });
        Self { outcomes: outcomes.collect() }
    }

    /// The results object.
    #[must_use]
    pub(crate) fn encode(&self, header: &[String], rows: &ChunkRows) -> Bytes {
        let mut encoder = ResultsEncoder::new(header);
        for (row, outcome) in rows.iter().zip(&self.outcomes) {
            encoder.push(row.row(), outcome, row.fields());
        }
        Bytes::from(encoder.finish())
    }

    /// Row counts by outcome.
    #[must_use]
    pub(crate) fn counts(&self) -> ChunkCounts {
        let count = |status| self.outcomes.iter().filter(|outcome| outcome.status == status).count() as i64;
        let by_status = Counts {
            successful: count(RowStatus::Success),
            failed: count(RowStatus::Failed),
            skipped: count(RowStatus::Skipped),
        };
        let mut by_code = BTreeMap::new();
        for outcome in &self.outcomes {
            *by_code.entry(outcome.code.as_str()).or_default() += 1;
        }
        ChunkCounts { by_status, by_code }
    }

    /// Logs the first rows that did not succeed, without their content, and counts all rows.
    pub(crate) fn report(&self, claim: &ChunkClaim, rows: &ChunkRows) {
        let unsuccessful =
            rows.iter().zip(&self.outcomes).filter(|(_, outcome)| outcome.status != RowStatus::Success);
        for (row, outcome) in unsuccessful.take(MAX_LOGGED_ROWS) {
            let (status, code) = (outcome.status.as_str(), outcome.code.as_str());
            tracing::info!(row = row.row(), status, code, reason = outcome.message, "a row did not succeed");
        }
        for outcome in RowStatus::ALL {
            let rows = self.outcomes.iter().filter(|row| row.status == outcome).count();
            let labels = [
                ("entity", claim.entity_type.clone()),
                ("action", claim.action_type.as_str().to_owned()),
                ("outcome", outcome.as_str().to_owned()),
            ];
            metrics::counter!(ROWS, &labels).increment(rows as u64);
        }
    }
}
