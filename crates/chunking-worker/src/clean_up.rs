//! Decides what has expired or is no longer needed, and removes it: objects of abandoned uploads, chunks, files,
//! results and actions past their retention time, and idempotency keys. The leading reconciler runs it beside its
//! rounds, since object storage may be slow. A run does a limited amount; the next one continues. The removal of
//! objects is in [`bulk_core::removal`].

use std::time::Duration;

use bulk_core::config::RetentionConfig;
use bulk_core::db::{self, DbError, RemovalPart};
use bulk_core::dependencies::Dependencies;
use bulk_core::millis;
use bulk_core::removal::{self, RemovalError};
use bulk_core::telemetry::metrics::{OBJECTS_REMOVED, REMOVAL_FAILURES, REMOVALS};
use thiserror::Error;

/// Time without a byte after which an upload counts as abandoned.
const UPLOAD_SILENCE: Duration = Duration::from_secs(3600);
/// Keys deleted per statement.
const KEYS_PER_STATEMENT: i64 = 1000;
/// Actions of each kind decided on per run; each needs a few rows.
const DECISIONS_PER_RUN: i64 = 500;
/// Removals carried out per run, before the next decisions.
const REMOVALS_PER_RUN: i64 = 100;

/// Reason why a clean-up was interrupted.
#[derive(Debug, Error)]
pub(crate) enum CleanUpError {
    /// The database is unreachable or refused a statement.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Objects cannot be removed now.
    #[error(transparent)]
    Removal(#[from] RemovalError),
}

impl From<sqlx::Error> for CleanUpError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The clean-up of one worker. Cheap to clone.
#[derive(Clone)]
pub(crate) struct CleanUp {
    dependencies: Dependencies,
    retention: RetentionConfig,
}

impl CleanUp {
    /// Creates a clean-up; [`CleanUp::run`] does a part of the work.
    #[must_use]
    pub(crate) fn new(dependencies: Dependencies, retention: RetentionConfig) -> Self {
        // Starts at 0: Prometheus would not see an increase if the counter first appeared as 1.
        for part in [RemovalPart::Working, RemovalPart::File, RemovalPart::Results, RemovalPart::Everything] {
            metrics::counter!(OBJECTS_REMOVED, "part" => part.as_str()).increment(0);
            metrics::counter!(REMOVAL_FAILURES, "part" => part.as_str()).increment(0);
        }
        Self { dependencies, retention }
    }

    /// Decides on what is due, and carries out a part of the removals.
    ///
    /// # Errors
    /// If the database or object storage is unavailable; the rest stays due.
    pub(crate) async fn run(&self) -> Result<(), CleanUpError> {
        self.decide().await?;
        let pool = &self.dependencies.pool;
        for removal in db::due_removals(pool, REMOVALS_PER_RUN).await? {
            removal::carry_out(&self.dependencies, &removal).await?;
        }
        let (waiting, failing) = db::count_removals(pool).await?;
        metrics::gauge!(REMOVALS, "state" => "waiting").set(waiting as f64);
        metrics::gauge!(REMOVALS, "state" => "failing").set(failing as f64);
        Ok(())
    }

    async fn decide(&self) -> Result<(), CleanUpError> {
        let pool = &self.dependencies.pool;
        while db::remove_expired_keys(pool, KEYS_PER_STATEMENT).await? > 0 {}
        let uploads = db::abandon_uploads(pool, millis(UPLOAD_SILENCE)).await?;
        let RetentionConfig { file, results, action, chunks } = self.retention;
        let (mut expired_chunks, mut files, mut expired_results, mut actions) = (0, 0, 0, 0);
        // Actions first: removing an action includes its other parts.
        if let Some(kept_for) = action {
            actions = db::expire_actions(pool, millis(kept_for), DECISIONS_PER_RUN).await?;
        }
        if let Some(kept_for) = file {
            files = db::expire_files(pool, millis(kept_for), DECISIONS_PER_RUN).await?;
        }
        if let Some(kept_for) = results {
            expired_results = db::expire_results(pool, millis(kept_for), DECISIONS_PER_RUN).await?;
        }
        if let Some(kept_for) = chunks {
            expired_chunks = db::expire_chunks(pool, millis(kept_for), DECISIONS_PER_RUN).await?;
        }
        if uploads + actions + files + expired_results + expired_chunks > 0 {
            tracing::info!(
                uploads,
                actions,
                files,
                results = expired_results,
                chunks = expired_chunks,
                "decided to remove what nothing needs, or may be kept, any longer"
            );
        }
        Ok(())
    }
}
