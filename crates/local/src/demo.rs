//! `local demo`: one upload from start to end, as a first demonstration.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use api_types::{ActionStatus, ActionType, DoneView, ProgressView};
use client::progress::{Display, Style};
use client::{Client, Credentials, ResultsQuery, Source, Update, Upload};
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use indicatif::HumanCount;
use tokio::time::timeout;
use uuid::Uuid;

use crate::console;
use crate::data_dir::DataDir;
use crate::generate::{self, Records};
use crate::platform::{self, End, LocalOptions, LocalPlatform};

/// Entity of the demo.
const CONTACT: &str = "contact";
const ACCOUNT: &str = "demo";
const SEED: u64 = 1;

/// Timeout of progress. A fresh start and the slowest chunk take seconds.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(60);

/// Options of the demo.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Number of contacts to generate if no file is given.
    pub rows: u64,
    /// A CSV file of contacts.
    pub file: Option<PathBuf>,
    /// The data directory.
    pub data_dir: PathBuf,
}

/// Uploads the file as `bulk_upsert`, so that the demo can be repeated on the same data. Fails unless every row has the
/// expected outcome.
// Boxed, so that it is compiled here and not in the binary, which awaits it.
pub fn demo(options: DemoOptions) -> LocalBoxFuture<'static, Result<ExitCode>> {
    Box::pin(async move {
        let port = DataDir::open(&options.data_dir)?.port("api")?;
        let platform_options = LocalOptions { port, processing_workers: 2, chunking_workers: 1 };
        console::progress("starting PostgreSQL, Redis, the object store and the services");
        let end = platform::run(&options.data_dir, &platform_options, async |platform| {
            Demo::new(platform)?.show(platform, &options).await
        })
        .await?;
        match end {
            End::Done(()) => Ok(ExitCode::SUCCESS),
            End::Interrupted => Ok(ExitCode::from(130)),
        }
    })
}

struct Demo {
    client: Client,
    display: Display,
}

impl Demo {
    fn new(platform: &LocalPlatform) -> Result<Self> {
        let style = if io::stderr().is_terminal() { Style::Bars } else { Style::Lines };
        let display = Display::new(style, |line| console::progress(line));
        Ok(Self { client: Client::new(&platform.url(), Credentials::Account(ACCOUNT.to_owned()))?, display })
    }

    async fn show(&self, platform: &LocalPlatform, options: &DemoOptions) -> Result<()> {
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
        let done = self.follow(id).await?;
        let seconds = start.elapsed().as_secs_f64();
        print_stats(id, &done, seconds);
        self.print_failed_rows(id).await?;
        console::result(format!("\nlogs  {}", platform.data_dir().logs().display()));
        console::result(format!("data  {}", root.display()));
        console::result("\nto see it in a browser, as the account `demo`:");
        console::result(format!("  cargo run --profile demo -p local -- up --data-dir {}", root.display()));
        console::result("  and open http://127.0.0.1:3000/app/");
        check(&done, bad_rows.map(|bad_rows| (options.rows, bad_rows)))
    }

    async fn upload(&self, file: &Path) -> Result<Uuid> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let size = fs::metadata(file).map(|metadata| metadata.len()).ok();
        let upload = Upload::new(Source::file(file).await?, name.clone())
            .action(CONTACT, ActionType::Upsert)
            .on_sent(self.display.upload(&name, size));
        let created = self.client.upload(&upload).await;
        self.display.clear();
        Ok(created.context("the upload failed")?.action.id)
    }

    /// Shows progress until the action is finished, and returns its result.
    async fn follow(&self, id: Uuid) -> Result<DoneView> {
        let mut updates = self.client.follow(id);
        self.display.rows(0);
        let done = loop {
            match timeout(LONGEST_STANDSTILL, updates.next()).await {
                Ok(Some(Ok(Update::Progress(news)))) => {
                    self.display.row_counts(news.status.as_str(), &news.stats.progress);
                }
                Ok(Some(Ok(Update::Done(done)))) => break *done,
                Ok(Some(Err(error))) => bail!(error),
                Ok(None) => bail!("the service stopped telling of the action"),
                Err(_) => bail!("no row was processed for {} s", LONGEST_STANDSTILL.as_secs()),
            }
        };
        self.display.clear();
        Ok(done)
    }

    async fn print_failed_rows(&self, id: Uuid) -> Result<()> {
        let query = ResultsQuery { status: Some("failed".to_owned()), spreadsheet_safe: false };
        let mut download = self.client.results(id, query).await?;
        let mut text = Vec::new();
        // Stops after the sample.
        while let Some(part) = download.next().await?
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
}

fn made_up(directory: &Path, rows: u64, bad_rows: u64) -> Result<PathBuf> {
    let path = directory.join("contacts.csv");
    console::progress(format!("making up {} contacts", HumanCount(rows)));
    let output = BufWriter::new(File::create(&path)?);
    Records { entity: generate::find(CONTACT, None)?, rows, seed: SEED, bad_rows }.write(output)?;
    Ok(path)
}

fn print_stats(id: Uuid, done: &DoneView, seconds: f64) {
    let stats = &done.stats.progress;
    console::result(format!("\naction {id}: {}", done.status));
    for (name, count) in [
        ("total", stats.total_records),
        ("successful", stats.successful_records),
        ("failed", stats.failed_records),
        ("skipped", stats.skipped_records),
    ] {
        let count = HumanCount(count.try_into().unwrap_or_default()).to_string();
        console::result(format!("  {name:<12}{count:>12}"));
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate for the eye")]
    let rate = stats.processed_records as f64 / seconds;
    console::result(format!("  {rate:.0} rows per second, {seconds:.2} s from upload to end"));
}

/// Compares with the (rows, bad rows) of a generated file; for other files only the sum is known.
fn check(done: &DoneView, expected: Option<(u64, u64)>) -> Result<()> {
    let stats: &ProgressView = &done.stats.progress;
    let sum = stats.successful_records + stats.failed_records + stats.skipped_records;
    let is_whole = done.status == ActionStatus::Completed
        && sum == stats.total_records
        && stats.processed_records == sum;
    let is_as_expected = expected.is_none_or(|(rows, bad_rows)| {
        let found = [stats.total_records, stats.failed_records, stats.skipped_records];
        found.map(u64::try_from) == [Ok(rows), Ok(bad_rows), Ok(0)]
    });
    if !is_whole || !is_as_expected {
        bail!("the counts are not what the file holds");
    }
    Ok(())
}
