//! Small files uploaded during the faults. The API may reject them or die during an upload. One that was accepted, or
//! that became an action without the client receiving the response, must end like any other.

use std::time::Duration;

use sqlx::{PgPool, Row};
use testkit::{Client, Upload};
use tokio::task::JoinHandle;

const ROWS: u64 = 30;
const PAUSE: Duration = Duration::from_millis(300);

/// Uploads until it is stopped.
pub(crate) struct Newcomers {
    task: JoinHandle<()>,
    accepted: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Newcomers {
    pub(crate) fn start(url: &str) -> Self {
        let accepted = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
        let (url, ids) = (url.to_owned(), accepted.clone());
        let task = tokio::spawn(async move {
            for number in 0.. {
                let client = Client::new(&url, &format!("newcomer-{number}"));
                if let Some(id) = client.try_upload(csv(), &Upload::contacts("bulk_create")).await {
                    ids.lock().unwrap().push(id);
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { task, accepted }
    }

    /// Stops uploading.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }

    /// Checks that every action has completed, and that each of these uploads has all its rows.
    pub(crate) async fn ended_exact(&self, pool: &PgPool, deadline: Duration) {
        let end = tokio::time::Instant::now() + deadline;
        loop {
            let open: i64 =
                sqlx::query_scalar("SELECT count(*) FROM bulk_actions WHERE status <> 'completed'")
                    .fetch_one(pool)
                    .await
                    .unwrap();
            if open == 0 {
                break;
            }
            assert!(tokio::time::Instant::now() < end, "{open} accepted actions are not over");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let wrong = sqlx::query(
            "SELECT a.account_id, s.successful_records, count(c.id) AS records
             FROM bulk_actions a JOIN bulk_action_stats s ON s.action_id = a.id
             LEFT JOIN contacts c ON c.account_id = a.account_id
             WHERE a.account_id LIKE 'newcomer-%'
             GROUP BY a.account_id, s.successful_records HAVING count(c.id) <> $1 OR s.successful_records <> $1",
        )
        .bind(ROWS.cast_signed())
        .fetch_all(pool)
        .await
        .unwrap();
        let wrong: Vec<String> = wrong.iter().map(|row| row.get("account_id")).collect();
        assert!(wrong.is_empty(), "these accounts' records are not those of their files: {wrong:?}");
        let known: Vec<String> =
            sqlx::query_scalar("SELECT id::text FROM bulk_actions").fetch_all(pool).await.unwrap();
        let accepted = self.accepted.lock().unwrap();
        assert!(accepted.iter().all(|id| known.contains(id)), "an accepted action is gone");
    }
}

fn csv() -> String {
    let rows = (0..ROWS).map(|row| format!("user{row}@example.com,User {row},{row}\n"));
    std::iter::once("email,name,age\n".to_owned()).chain(rows).collect()
}
