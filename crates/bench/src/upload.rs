//! One action from upload to end, as a client sees it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use reqwest::Client;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use crate::table::ACCOUNT;
use crate::workload::Workload;

/// Calls the API as the benchmark's account.
pub struct Caller {
    client: Client,
    url: String,
}

/// The answer to every request.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    total_records: u64,
    successful_records: u64,
    skipped_records: u64,
}

impl Caller {
    /// Calls the API at the address.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(url: &str) -> Result<Self> {
        // A proxy in the environment is not meant for this machine.
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, url: format!("{url}/bulk-actions") })
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
            let action: Action = self.get(&format!("/{id}")).await?;
            if ["completed", "failed", "cancelled"].contains(&action.status.as_str()) {
                break action.status;
            }
            sleep(poll).await;
        };
        let took = started.elapsed();
        let stats: Stats = self.get(&format!("/{id}/stats")).await?;
        let well = stats.successful_records + stats.skipped_records;
        if status != "completed"
            || (stats.total_records, well) != (workload.rows.into(), workload.rows.into())
        {
            bail!("action {id} is {status} with {well} of {} rows well", stats.total_records);
        }
        Ok(took)
    }

    async fn upload(&self, file: &Path, workload: &Workload) -> Result<String> {
        let file = Part::file(file).await.context("the file of rows")?.mime_str("text/csv")?;
        let form = Form::new()
            .text("entityType", "contact")
            .text("actionType", workload.action.action_type())
            .text("deduplicate", workload.deduplicate.to_string())
            .text("onConflict", "update")
            .part("file", file);
        let answer = self.client.post(&self.url).header("account-id", ACCOUNT).multipart(form).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        if !status.is_success() {
            bail!("the upload was refused with {status}: {body}");
        }
        Ok(serde_json::from_str::<Envelope<Created>>(&body)?.data.id)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.url);
        let answer = self.client.get(url).header("account-id", ACCOUNT).send().await?.error_for_status()?;
        Ok(answer.json::<Envelope<T>>().await?.data)
    }
}
