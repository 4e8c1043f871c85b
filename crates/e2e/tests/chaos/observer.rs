//! Watches the counters continuously, in snapshots of the database and through the API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{PgPool, Row};
use testkit::Client;
use tokio::task::JoinHandle;
use uuid::Uuid;

const PAUSE: Duration = Duration::from_millis(50);

/// Watches until stopped.
pub(crate) struct Observer {
    broken: Arc<Mutex<Vec<String>>>,
    looks: Arc<Mutex<u32>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Observer {
    /// Watches all actions in the database, and the given ones through the API too.
    pub(crate) fn start(pool: &PgPool, actions: Vec<(Client, String)>) -> Self {
        let observer = Self { broken: Arc::default(), looks: Arc::default(), tasks: Vec::new() };
        let database =
            tokio::spawn(watch_database(pool.clone(), observer.broken.clone(), observer.looks.clone()));
        let api = tokio::spawn(watch_api(actions, observer.broken.clone()));
        Self { tasks: vec![database, api], ..observer }
    }

    /// Stops watching. Fails if a guarantee was ever broken.
    pub(crate) fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        let broken = self.broken.lock().unwrap();
        assert!(broken.is_empty(), "promises broken while it ran: {:#?}", &broken[..broken.len().min(10)]);
        assert!(*self.looks.lock().unwrap() > 10, "the watch hardly saw anything");
    }
}

async fn watch_database(pool: PgPool, broken: Arc<Mutex<Vec<String>>>, looks: Arc<Mutex<u32>>) {
    let mut seen: HashMap<Uuid, i64> = HashMap::new();
    loop {
        // One statement, so one snapshot.
        let counters = sqlx::query(
            "SELECT s.action_id, s.total_records,
                 s.successful_records + s.failed_records + s.skipped_records AS processed,
                 coalesce(sum(c.successful + c.failed + c.skipped), 0)::bigint AS in_chunks
             FROM bulk_action_stats s LEFT JOIN bulk_action_chunks c USING (action_id) GROUP BY s.action_id",
        )
        .fetch_all(&pool)
        .await;
        // The database may be down now.
        for row in counters.into_iter().flatten() {
            let (id, total): (Uuid, i64) = (row.get("action_id"), row.get("total_records"));
            let (processed, in_chunks): (i64, i64) = (row.get("processed"), row.get("in_chunks"));
            let before = seen.insert(id, processed).unwrap_or_default();
            if processed > total || processed < before || processed != in_chunks {
                broken.lock().unwrap().push(format!(
                    "{id}: {processed} of {total} processed, {before} before, {in_chunks} in its chunks"
                ));
            }
            *looks.lock().unwrap() += 1;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn watch_api(actions: Vec<(Client, String)>, broken: Arc<Mutex<Vec<String>>>) {
    let mut seen = vec![0; actions.len()];
    loop {
        for ((client, id), before) in actions.iter().zip(&mut seen) {
            // The API may be down now.
            if let Some(stats) = client.try_data(&format!("/bulk-actions/{id}/stats")).await {
                let count = |name: &str| stats[name].as_u64().unwrap_or_default();
                let processed = count("processedRecords");
                let sum = count("successfulRecords") + count("failedRecords") + count("skippedRecords");
                if processed > count("totalRecords") || processed < *before || processed != sum {
                    broken.lock().unwrap().push(format!("{id}: the API said {stats}, before that {before}"));
                }
                *before = processed;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
