//! One action from upload to end, as a client sees it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use api_types::ActionStatus;
use client::{Client, Credentials, Patience, Source, Upload};
use tokio::time::sleep;
use uuid::Uuid;

use crate::table::ACCOUNT;
use crate::workload::Workload;

/// Calls the API as the benchmark's account.
pub struct Caller {
    client: Client,
}

impl Caller {
    /// Calls the API at the address.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(url: &str) -> Result<Self> {
        // A second attempt would be a measurement of something else.
        let client =
            Client::new(url, Credentials::Account(ACCOUNT.to_owned()))?.with_patience(Patience::NONE);
        Ok(Self { client })
    }

    /// Uploads the file, waits until the action is completed, and says how long both took together. `poll` is the pause
    /// between two looks.
    ///
    /// # Errors
    /// When the upload is refused, the action does not complete, or a row has another outcome than it should.
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
            // A key would be one more thing to look up.
            .idempotency_key(None)
            .action("contact", workload.action.action_type())
            .field("deduplicate", workload.deduplicate.to_string())
            .field("onConflict", "update");
        let created = self.client.upload(&upload).await.context("the upload was refused")?;
        Ok(created.action.id)
    }
}
