//! The connection pool of the services with interrupted work: a lost lease, a disconnected client, a stopped worker.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::time::Duration;

use bulk_core::db::{self, SessionBounds};
use futures::poll;
use secrecy::SecretString;
use testkit::TestEnv;

/// More polls than a transaction needs until it has begun.
const MOST_POLLS: usize = 1000;

#[tokio::test]
async fn a_transaction_that_is_dropped_while_it_begins_swallows_nothing() {
    let env = TestEnv::new().await;
    let url = SecretString::from(env.settings()["DATABASE_URL"].clone());
    let pool = db::connect(&url, "test", 1, SessionBounds::only_idle(Duration::from_secs(60))).unwrap();
    sqlx::query("CREATE TABLE noted (polls int)").execute(&pool).await.unwrap();
    // Dropped after one poll, after two, and so on: before, during and after `BEGIN`.
    for polls in 0..MOST_POLLS {
        let begun = {
            let mut begin = Box::pin(pool.begin());
            let mut begun = false;
            for _ in 0..polls {
                begun = poll!(&mut begin).is_ready();
                if begun {
                    break;
                }
                tokio::task::yield_now().await;
            }
            begun
        };
        let note = sqlx::query("INSERT INTO noted VALUES ($1)").bind(i32::try_from(polls).unwrap());
        note.execute(&pool).await.unwrap();
        let noted: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM noted WHERE polls = $1)")
            .bind(i32::try_from(polls).unwrap())
            .fetch_one(env.pool())
            .await
            .unwrap();
        assert!(noted, "what was written after {polls} polls is in a transaction that nobody ends");
        if begun {
            return;
        }
    }
    panic!("no transaction has begun after {MOST_POLLS} polls");
}
