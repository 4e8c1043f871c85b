//! `local demo`: one upload from start to end, for somebody who sees the platform for the first time.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use reqwest::{
    Client,
    multipart::{Form, Part},
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::sleep;

use crate::{
    console,
    data_dir::DataDir,
    generate::{self, Records},
    platform::{self, End, Platform, PlatformOptions},
};

/// What the demo uploads.
const CONTACT: &str = "contact";
const ACCOUNT: &str = "demo";
const SEED: u64 = 1;
const POLL: Duration = Duration::from_millis(100);

/// A fresh start takes seconds at most; so does the slowest chunk.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(60);

/// What to upload, and where to keep it.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Number of contacts to make up when there is no file.
    pub rows: u64,
    /// A CSV file of contacts.
    pub file: Option<PathBuf>,
    /// The data directory.
    pub data_dir: PathBuf,
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
    failed_records: u64,
    skipped_records: u64,
    processed_records: u64,
}

/// Uploads the file as `bulk_upsert`, so that the demo can be run again on the same data. Fails unless every row got
/// the outcome it should.
pub async fn demo(options: DemoOptions) -> Result<ExitCode> {
    let port = DataDir::open(&options.data_dir)?.port("api")?;
    let platform_options = PlatformOptions { port, processing_workers: 2, chunking_workers: 1 };
    console::progress("starting PostgreSQL, Redis, the object store and the services");
    let end = platform::run(&options.data_dir, &platform_options, async |platform| {
        Demo::new(platform)?.show(platform, &options).await
    })
    .await?;
    match end {
        End::Done(()) => Ok(ExitCode::SUCCESS),
        End::Interrupted => Ok(ExitCode::from(130)),
    }
}

struct Demo {
    client: Client,
    url: String,
}

impl Demo {
    fn new(platform: &Platform) -> Result<Self> {
        // A proxy in the environment is not meant for this machine.
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, url: format!("{}/bulk-actions", platform.url()) })
    }

    async fn show(&self, platform: &Platform, options: &DemoOptions) -> Result<()> {
        let root = platform.data_dir().root();
        let (file, bad_rows) = match &options.file {
            Some(file) => (file.clone(), None),
            None => {
                let most = generate::most_bad_rows(CONTACT);
                let bad_rows = if options.rows > most { most } else { 0 };
                (made_up(root, options.rows, bad_rows)?, Some(bad_rows))
            }
        };
        console::progress(format!("uploading {}", file.display()));
        let start = Instant::now();
        let id = self.upload(&file).await?;
        let status = self.follow(&id).await?;
        let seconds = start.elapsed().as_secs_f64();
        let stats: Stats = self.get(&format!("/{id}/stats")).await?;
        print_stats(&id, &status, &stats, seconds);
        self.print_failed_rows(&id).await?;
        console::result(format!("\nlogs  {}", platform.data_dir().logs().display()));
        console::result(format!("data  {}", root.display()));
        console::result("\nto see it in a browser, as the account `demo`:");
        console::result(format!("  cargo run --release -p local -- up --data-dir {}", root.display()));
        console::result("  and open http://127.0.0.1:3000/app/");
        check(&status, &stats, bad_rows.map(|bad_rows| (options.rows, bad_rows)))
    }

    async fn upload(&self, file: &Path) -> Result<String> {
        let file = Part::file(file)
            .await
            .with_context(|| format!("cannot read {}", file.display()))?
            .mime_str("text/csv")?;
        let form =
            Form::new().text("entityType", "contact").text("actionType", "bulk_upsert").part("file", file);
        let answer = self.client.post(&self.url).header("account-id", ACCOUNT).multipart(form).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        if !status.is_success() {
            bail!("the upload was refused with {status}: {body}");
        }
        Ok(serde_json::from_str::<Envelope<Created>>(&body)?.data.id)
    }

    /// Shows the progress until the action is finished, and returns its last status.
    async fn follow(&self, id: &str) -> Result<String> {
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
            "{wide_bar} {human_pos}/{human_len} rows  {per_sec}  {elapsed}",
        )?);
        let mut moved = (0, Instant::now());
        loop {
            let action: Action = self.get(&format!("/{id}")).await?;
            let stats: Stats = self.get(&format!("/{id}/stats")).await?;
            bar.set_length(stats.total_records);
            bar.set_position(stats.processed_records);
            if ["completed", "failed", "cancelled"].contains(&action.status.as_str()) {
                bar.finish();
                return Ok(action.status);
            }
            if stats.processed_records != moved.0 {
                moved = (stats.processed_records, Instant::now());
                if bar.is_hidden() {
                    console::progress(format!("{} of {} rows", stats.processed_records, stats.total_records));
                }
            }
            if moved.1.elapsed() > LONGEST_STANDSTILL {
                bail!("no row was processed for {} s", LONGEST_STANDSTILL.as_secs());
            }
            sleep(POLL).await;
        }
    }

    async fn print_failed_rows(&self, id: &str) -> Result<()> {
        let url = format!("{}/{id}/results?status=failed", self.url);
        let mut answer =
            self.client.get(url).header("account-id", ACCOUNT).send().await?.error_for_status()?;
        let mut text = Vec::new();
        // The rest of a long list is not needed for a sample.
        while let Some(part) = answer.chunk().await?
            && text.len() < 64 * 1024
        {
            text.extend_from_slice(&part);
        }
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
        console::result("\nsome failed rows");
        for row in rows.deserialize::<BTreeMap<String, String>>().take(5) {
            let mut row = row?;
            let mut take = |column: &str| row.remove(column).unwrap_or_default();
            let (number, reason) = (take("_row"), take("_reason"));
            let values: Vec<_> = ["email", "name", "age"].map(&mut take).into();
            console::result(format!("  row {number}: {reason}  ({})", values.join(", ")));
        }
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.url);
        let answer = self.client.get(url).header("account-id", ACCOUNT).send().await?.error_for_status()?;
        Ok(answer.json::<Envelope<T>>().await?.data)
    }
}

fn made_up(directory: &Path, rows: u64, bad_rows: u64) -> Result<PathBuf> {
    let path = directory.join("contacts.csv");
    console::progress(format!("making up {} contacts", HumanCount(rows)));
    let output = BufWriter::new(File::create(&path)?);
    Records { entity: generate::find(CONTACT, None)?, rows, seed: SEED, bad_rows }.write(output)?;
    Ok(path)
}

fn print_stats(id: &str, status: &str, stats: &Stats, seconds: f64) {
    console::result(format!("\naction {id}: {status}"));
    for (name, count) in [
        ("total", stats.total_records),
        ("successful", stats.successful_records),
        ("failed", stats.failed_records),
        ("skipped", stats.skipped_records),
    ] {
        console::result(format!("  {name:<12}{:>12}", HumanCount(count).to_string()));
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate for the eye")]
    let rate = stats.processed_records as f64 / seconds;
    console::result(format!("  {rate:.0} rows per second, {seconds:.2} s from upload to end"));
}

/// Compares with the (rows, bad rows) that a made-up file holds; of any other file only the sum is known.
fn check(status: &str, stats: &Stats, expected: Option<(u64, u64)>) -> Result<()> {
    let sum = stats.successful_records + stats.failed_records + stats.skipped_records;
    let is_whole = status == "completed" && sum == stats.total_records && stats.processed_records == sum;
    let is_as_expected = expected.is_none_or(|(rows, bad_rows)| {
        (stats.total_records, stats.failed_records, stats.skipped_records) == (rows, bad_rows, 0)
    });
    if !is_whole || !is_as_expected {
        bail!("the counts are not what the file holds");
    }
    Ok(())
}
