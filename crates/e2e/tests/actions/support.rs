//! Shared parts of the tests of whole actions.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bulk_core::config::{Config, Settings};
use bulk_core::storage::ObjectStore;
use serde_json::Value;
use sqlx::{PgPool, Row};
use testkit::{Client, FaultProxy, Platform, PlatformOptions, TestEnv, Upload};
use uuid::Uuid;

/// Generous: tests run in parallel on few cores, and some wait for a lost worker's lease to run out.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running platform with small chunks, so that few rows make many of them.
pub(crate) struct Bench {
    pub env: TestEnv,
    pub platform: Platform,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::with_chunk_size(10).await
    }

    pub(crate) async fn with_chunk_size(rows: usize) -> Self {
        Self::with(&[("CHUNK_SIZE", &rows.to_string())]).await
    }

    /// A platform with settings in addition to those of the test environment.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::start_with(settings, PlatformOptions::default()).await
    }

    /// A platform that uses object storage through the returned proxy.
    pub(crate) async fn behind_proxy(settings: &[(&str, &str)]) -> (Self, FaultProxy) {
        let env = TestEnv::new().await;
        let proxy = FaultProxy::start(env.settings()["MINIO_PORT"].parse().unwrap()).await;
        let port = proxy.port().to_string();
        let through = [("MINIO_PORT", port.as_str())];
        let settings = settings.iter().chain(&through);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let platform =
            Platform::start(&env, PlatformOptions { settings, ..PlatformOptions::default() }).await;
        (Self { env, platform }, proxy)
    }

    /// The same with one worker of each kind.
    pub(crate) async fn with_one_worker(settings: &[(&str, &str)]) -> Self {
        let options =
            PlatformOptions { processing_workers: 1, chunking_workers: 1, ..PlatformOptions::default() };
        Self::start_with(settings, options).await
    }

    /// Only the API: actions stay as uploaded.
    pub(crate) async fn without_workers() -> Self {
        Self::without_workers_with(&[]).await
    }

    /// Only the API, with settings in addition to those of the test environment.
    pub(crate) async fn without_workers_with(settings: &[(&str, &str)]) -> Self {
        let options =
            PlatformOptions { processing_workers: 0, chunking_workers: 0, ..PlatformOptions::default() };
        Self::start_with(settings, options).await
    }

    async fn start_with(settings: &[(&str, &str)], mut options: PlatformOptions) -> Self {
        let env = TestEnv::new().await;
        options
            .settings
            .extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let platform = Platform::start(&env, options).await;
        Self { env, platform }
    }

    /// The platform's bucket.
    pub(crate) fn store(&self) -> ObjectStore {
        let config = Config::from_settings(&Settings::from_iter(self.env.settings())).unwrap();
        ObjectStore::new(&config.storage)
    }

    pub(crate) fn client(&self) -> Client {
        self.platform.client("acme")
    }

    /// Uploads, waits for the end, and checks the invariants of every action.
    pub(crate) async fn run(&self, csv: &str, upload: &Upload) -> Finished {
        run(&self.client(), csv, upload).await
    }

    /// Bytes stored by the account, according to the database.
    pub(crate) async fn stored_bytes(&self, account: &str) -> u64 {
        let bytes: Option<i64> =
            sqlx::query_scalar("SELECT stored_bytes FROM account_usage WHERE account_id = $1")
                .bind(account)
                .fetch_optional(self.env.pool())
                .await
                .unwrap();
        bytes.unwrap_or_default().try_into().unwrap()
    }

    /// Keys below a prefix, and the total size of their objects.
    pub(crate) async fn objects(&self, prefix: &str) -> (Vec<String>, u64) {
        let (store, mut keys, mut bytes) = (self.store(), Vec::<String>::new(), 0);
        loop {
            let found = store.list(prefix, keys.last().map(String::as_str)).await.unwrap();
            if found.is_empty() {
                return (keys, bytes);
            }
            for key in found {
                bytes += store.get(&key).await.unwrap().len() as u64;
                keys.push(key);
            }
        }
    }

    /// Waits until a counting query returns 0.
    pub(crate) async fn until_none(&self, counted: &'static str) {
        let end = Instant::now() + DEADLINE;
        while sqlx::query_scalar::<_, i64>(counted).fetch_one(self.env.pool()).await.unwrap() > 0 {
            assert!(Instant::now() < end, "still not 0: {counted}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ages the ended actions by some hours.
    pub(crate) async fn hours_later(&self, hours: i32) {
        sqlx::query(
            "UPDATE bulk_actions SET completed_at = completed_at - make_interval(hours => $1),
                 file_gone_at = file_gone_at - make_interval(hours => $1),
                 results_gone_at = results_gone_at - make_interval(hours => $1)",
        )
        .bind(hours)
        .execute(self.env.pool())
        .await
        .unwrap();
    }

    pub(crate) async fn contacts(&self, account: &str) -> BTreeMap<String, Contact> {
        contacts(self.env.pool(), account).await
    }

    /// Inserts a record directly.
    pub(crate) async fn seed(&self, account: &str, email: &str, name: &str, age: Option<i32>) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query("INSERT INTO contacts (account_id, id, email, name, age) VALUES ($1, $2, $3, $4, $5)")
            .bind(account)
            .bind(id)
            .bind(email)
            .bind(name)
            .bind(age)
            .execute(self.env.pool())
            .await
            .unwrap();
        id
    }
}

/// A record without the columns that the database fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    pub id: Uuid,
    pub name: String,
    pub age: Option<i32>,
}

/// An account's contacts by e-mail.
pub(crate) async fn contacts(pool: &PgPool, account: &str) -> BTreeMap<String, Contact> {
    let rows = sqlx::query("SELECT email, id, name, age FROM contacts WHERE account_id = $1")
        .bind(account)
        .fetch_all(pool)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| {
            (row.get("email"), Contact { id: row.get("id"), name: row.get("name"), age: row.get("age") })
        })
        .collect()
}

/// Pending removals.
pub(crate) const UNREMOVED: &str = "SELECT count(*) FROM removals WHERE swept_at IS NULL";

/// Status and body of a response.
pub(crate) async fn answered(answer: testkit::Response) -> (u16, Value) {
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A completed action.
pub(crate) struct Finished {
    pub id: String,
    pub detail: Value,
    pub stats: Value,
    /// By row number.
    pub results: BTreeMap<u64, BTreeMap<String, String>>,
}

impl Finished {
    /// Successful, failed, skipped.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let count = |name: &str| self.stats[name].as_u64().unwrap();
        (count("successfulRecords"), count("failedRecords"), count("skippedRecords"))
    }

    /// `code` or `code: message` of a row.
    pub(crate) fn reason(&self, row: u64) -> &str {
        &self.results[&row]["_reason"]
    }

    /// The code of a row.
    pub(crate) fn code(&self, row: u64) -> &str {
        self.reason(row).split(':').next().unwrap()
    }
}

pub(crate) async fn run(client: &Client, csv: &str, upload: &Upload) -> Finished {
    let id = client.upload(csv, upload).await;
    let detail = client.wait_finished(&id, DEADLINE).await;
    assert_eq!(detail["status"], "completed", "{detail:#}");
    finished(client, &id, detail).await
}

/// Reads everything about a finished action, and checks that its counts match its rows.
pub(crate) async fn finished(client: &Client, id: &str, detail: Value) -> Finished {
    let stats = client.stats(id).await;
    let rows = client.results(id, "").await;
    let results: BTreeMap<u64, _> =
        rows.iter().map(|row| (row["_row"].parse().unwrap(), row.clone())).collect();
    assert_eq!(results.len(), rows.len(), "a row has two outcomes");
    let total = stats["totalRecords"].as_u64().unwrap();
    assert_eq!(stats["processedRecords"], total);
    assert_eq!(results.len() as u64, total, "every row has an outcome");
    assert!(results.keys().copied().eq(1..=total), "row numbers are those of the file");
    for (status, counter) in
        [("success", "successfulRecords"), ("failed", "failedRecords"), ("skipped", "skippedRecords")]
    {
        let with_status = rows.iter().filter(|row| row["_status"] == status).count() as u64;
        assert_eq!(stats[counter], with_status, "{counter} equals the rows that are {status}");
    }
    Finished { id: id.to_owned(), detail, stats, results }
}

/// Sends a control request, and returns status and body.
pub(crate) async fn control(client: &Client, id: &str, verb: &str) -> (u16, Value) {
    let answer = client.post(&format!("/bulk-actions/{id}/{verb}")).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Sends a control request, which must succeed, and returns the action's `data`.
pub(crate) async fn obeyed(client: &Client, id: &str, verb: &str) -> Value {
    let (status, mut body) = control(client, id, verb).await;
    assert_eq!(status, 200, "{verb}: {body:#}");
    body["data"].take()
}

/// Checks a cancelled or failed action: each row of the file is either in its results or in its unprocessed rows, as
/// uploaded; the counters count the former; and the contacts are those of the successful rows.
pub(crate) async fn adds_up(bench: &Bench, id: &str, csv: &str) {
    let client = bench.client();
    let stats = client.stats(id).await;
    let results = client.results(id, "").await;
    let unprocessed = client.results(id, "status=unprocessed").await;
    assert_eq!(stats["processedRecords"], results.len(), "{stats:#}");
    let uploaded = |row: &BTreeMap<String, String>| {
        (
            row["_row"].parse::<usize>().unwrap(),
            [&row["email"], &row["name"], &row["age"]].map(String::clone).join(","),
        )
    };
    let rows: Vec<_> = results.iter().chain(&unprocessed).map(uploaded).collect();
    let together: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(together.len(), rows.len(), "a row is there twice");
    let file: BTreeMap<_, _> = csv.lines().map(str::to_owned).enumerate().skip(1).collect();
    assert_eq!(together, file, "results and unprocessed rows are the file");
    let successes = results.iter().filter(|row| row["_status"] == "success").count();
    assert_eq!(stats["successfulRecords"], successes);
    assert_eq!(bench.contacts("acme").await.len(), successes, "as many records as successes");
}

/// A file of contacts with the columns email, name, age.
pub(crate) fn file(rows: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut csv = "email,name,age\n".to_owned();
    for row in rows {
        csv.push_str(row.as_ref());
        csv.push('\n');
    }
    csv
}
