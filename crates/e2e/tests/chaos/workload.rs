//! Actions with known results, so that lost, doubled or misordered rows are detected.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use sqlx::{PgPool, Row};
use testkit::{Client, Upload};
use uuid::Uuid;

use crate::world::{World, note};

/// Operation of a file, each for a separate account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// New records. A row applied twice would be skipped the second time.
    Create,
    /// Every record twice, far apart; the second row must win.
    UpsertTwice,
    /// The same file with deduplication: the first row must win, and the second is skipped.
    Deduplicate,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Create, Self::UpsertTwice, Self::Deduplicate];

    fn account(self) -> &'static str {
        match self {
            Self::Create => "creator",
            Self::UpsertTwice => "upserter",
            Self::Deduplicate => "deduplicator",
        }
    }

    fn upload(self) -> Upload {
        match self {
            Self::Create => Upload::contacts("bulk_create"),
            Self::UpsertTwice => Upload::contacts("bulk_upsert"),
            Self::Deduplicate => Upload::contacts("bulk_upsert").field("deduplicate", "true"),
        }
    }

    /// The file's rows, each as (record, version).
    fn rows(self, rows: u64) -> Vec<(u64, u64)> {
        match self {
            Self::Create => (0..rows).map(|record| (record, 1)).collect(),
            Self::UpsertTwice | Self::Deduplicate => {
                (0..rows).map(|row| (row % (rows / 2), 1 + row / (rows / 2))).collect()
            }
        }
    }

    /// Successful, skipped.
    fn counts(self, rows: u64) -> (u64, u64) {
        match self {
            Self::Create | Self::UpsertTwice => (rows, 0),
            Self::Deduplicate => (rows / 2, rows / 2),
        }
    }

    /// The version of every record at the end, and how many records there are.
    fn records(self, rows: u64) -> (u64, u64) {
        match self {
            Self::Create => (1, rows),
            Self::UpsertTwice => (2, rows / 2),
            Self::Deduplicate => (1, rows / 2),
        }
    }
}

/// A running action.
pub(crate) struct Running {
    kind: Kind,
    rows: u64,
    client: Client,
    pub id: String,
}

/// Uploads a file of this kind with an even number of rows.
pub(crate) async fn upload(world: &World, kind: Kind, rows: u64) -> Running {
    let client = world.platform.client(kind.account());
    let id = client.upload(csv(&kind.rows(rows)), &kind.upload()).await;
    Running { kind, rows, client, id }
}

fn csv(rows: &[(u64, u64)]) -> String {
    let mut csv = "email,name,age\n".to_owned();
    for (record, version) in rows {
        let _ = writeln!(csv, "user{record}@example.com,Version {version} of {record},{}", record % 100);
    }
    csv
}

impl Running {
    /// The client of the action's account.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for the end, during any disturbance of the API, and checks everything that can be checked.
    pub(crate) async fn ends_exact(&self, pool: &PgPool, deadline: Duration) {
        let detail = finished(&self.client, &self.id, deadline).await;
        assert_eq!(detail["status"], "completed", "{detail:#}");
        let stats = self.client.stats(&self.id).await;
        let (successful, skipped) = self.kind.counts(self.rows);
        assert_eq!(stats["successfulRecords"], successful, "{:?}: {stats:#}", self.kind);
        assert_eq!(stats["skippedRecords"], skipped, "{:?}: {stats:#}", self.kind);
        assert_eq!(stats["processedRecords"], self.rows, "{:?}: {stats:#}", self.kind);
        self.results_hold_each_row_once().await;
        self.records_are_the_files(pool).await;
        self.no_chunk_was_blamed(pool).await;
    }

    async fn results_hold_each_row_once(&self) {
        let results = self.client.results(&self.id, "").await;
        let mut rows: Vec<u64> = results.iter().map(|row| row["_row"].parse().unwrap()).collect();
        rows.sort_unstable();
        assert!(rows.iter().copied().eq(1..=self.rows), "{:?}: not every row has one result", self.kind);
    }

    async fn records_are_the_files(&self, pool: &PgPool) {
        let (version, count) = self.kind.records(self.rows);
        let expected: BTreeMap<String, (String, i32)> = (0..count)
            .map(|record| {
                let name = format!("Version {version} of {record}");
                (format!("user{record}@example.com"), (name, i32::try_from(record % 100).unwrap()))
            })
            .collect();
        let found = sqlx::query("SELECT email, name, age FROM contacts WHERE account_id = $1")
            .bind(self.kind.account())
            .fetch_all(pool)
            .await
            .unwrap();
        let found: BTreeMap<String, (String, i32)> =
            found.into_iter().map(|row| (row.get("email"), (row.get("name"), row.get("age")))).collect();
        assert!(found == expected, "{:?}: the records are not those of the file", self.kind);
    }

    /// Checks that outages were not counted as failed attempts, however long they were.
    async fn no_chunk_was_blamed(&self, pool: &PgPool) {
        let id: Uuid = self.id.parse().unwrap();
        let blamed = sqlx::query(
            "SELECT partition, seq, failures, last_error FROM bulk_action_chunks
             WHERE action_id = $1 AND (status <> 'done' OR failures > 0)",
        )
        .bind(id)
        .fetch_all(pool)
        .await
        .unwrap();
        for chunk in &blamed {
            let (failures, error): (i32, Option<String>) = (chunk.get("failures"), chunk.get("last_error"));
            note(&format!("{:?}: a chunk failed {failures} times: {error:?}", self.kind));
        }
        assert!(blamed.is_empty(), "{:?}: {} chunks were blamed for an outage", self.kind, blamed.len());
    }
}

async fn finished(client: &Client, id: &str, deadline: Duration) -> Value {
    let end = tokio::time::Instant::now() + deadline;
    loop {
        let action = client.try_data(&format!("/bulk-actions/{id}")).await;
        if let Some(action) = &action
            && ["completed", "failed", "cancelled"].iter().any(|status| action["status"] == *status)
        {
            return action.clone();
        }
        assert!(tokio::time::Instant::now() < end, "not over after {deadline:?}: {action:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
