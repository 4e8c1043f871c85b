//! An action from upload to end, as seen by a client.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use api_types::ActionStatus;
use client::{Client, Credentials, Patience, Source, Upload};
use tokio::time::sleep;
use uuid::Uuid;

use crate::table::ACCOUNT;
use crate::workload::Workload;

/// API client for the benchmark's account.
pub struct Uploader {
    client: Client,
}

impl Uploader {
    /// A client of the API at this URL.
    ///
    /// # Errors
    /// If no HTTP client can be built.
    pub fn new(url: &str) -> Result<Self> {
        // No retries: a second attempt would distort the measurement.
        let client =
            Client::new(url, Credentials::Account(ACCOUNT.to_owned()))?.with_patience(Patience::NONE);
        Ok(Self { client })
    }

    /// Uploads the file, waits until the action is completed, and returns the total time. `poll` is the interval of
    /// polling.
    ///
    /// # Errors
    /// If the upload is rejected, the action does not complete, or a row has an unexpected outcome.
    pub async fn run(&self, file: &Path, workload: &Workload, poll: Duration) -> Result<Duration> {
        let started = Instant::now();
        let id = self.upload(file, workload).await?;
        let status = loop {
            let status = self.client.action(id).await?.status;
            if status.is_over() {
                break status;
            }
            sleep(poll).await;
        };
        let took = started.elapsed();
        let stats = self.client.stats(id).await?.progress;
        let well = stats.successful_records + stats.skipped_records;
        if status != ActionStatus::Completed
            || (stats.total_records, well) != (workload.rows.into(), workload.rows.into())
        {
            bail!("action {id} is {status} with {well} of {} rows well", stats.total_records);
        }
        Ok(took)
    }

    async fn upload(&self, file: &Path, workload: &Workload) -> Result<Uuid> {
        let upload = Upload::new(Source::file(file).await?, "rows.csv")
            // An idempotency key would add a lookup.
            .idempotency_key(None)
            .action("contact", workload.action.action_type())
            .field("deduplicate", workload.deduplicate.to_string())
            .field("onConflict", "update");
        let created = self.client.upload(&upload).await.context("the upload was refused")?;
        Ok(created.action.id)
    }
}
