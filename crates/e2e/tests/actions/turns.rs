//! Order of turns: the newcomer is next even though the attackers were queued first. These tests query the database in
//! place of the workers, so the order is exact and independent of time.

use bulk_core::db::{self, ChunkClaim, FileClaim, FileShare, NewChunk};
use bulk_core::queue::Job;
use sqlx::PgPool;
use testkit::Upload;
use uuid::Uuid;

use crate::support::{Bench, file, obeyed};

const LEASE_MS: i64 = 600_000;
const IN_FLIGHT: i64 = 8;
const ANY_FILE: FileShare = FileShare { max_per_account: 1, max_bytes: i64::MAX };
const MOST_LOST: i32 = 5;

async fn upload(bench: &Bench, account: &str) -> Uuid {
    let csv = file(["someone@example.com,Some One,1"]);
    bench.platform.client(account).upload(csv, &Upload::contacts("bulk_upsert")).await.parse().unwrap()
}

async fn claim_file(pool: &PgPool, after: &str) -> Option<FileClaim> {
    db::claim_file(pool, "reader", LEASE_MS, ANY_FILE, after).await.unwrap()
}

/// Claims the next file and records this many chunks of it, each the first of its partition.
async fn cut(pool: &PgPool, chunks: i16) -> FileClaim {
    let claim = claim_file(pool, "").await.expect("a file waits");
    for partition in 0..chunks {
        let chunk = NewChunk { partition, seq: 0, row_count: 1, content_hash: 1, size_bytes: 1 };
        db::record_chunk(pool, &claim.lease, chunk, IN_FLIGHT).await.unwrap();
    }
    db::finish_file(pool, &claim.lease, IN_FLIGHT).await.unwrap();
    claim
}

async fn claim(pool: &PgPool, after: &str) -> Option<ChunkClaim> {
    db::claim_chunk(pool, "worker", LEASE_MS, after).await.unwrap()
}

async fn claimed_account(pool: &PgPool, after: &str) -> String {
    claim(pool, after).await.expect("a chunk waits").account_id
}

async fn number(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn the_newcomers_chunk_is_next_however_many_of_others_wait_before_it() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    upload(&bench, "mmm").await;
    cut(pool, 12).await;
    assert_eq!(
        number(pool, "SELECT count(*) FROM bulk_action_chunks WHERE status = 'queued'").await,
        IN_FLIGHT
    );
    assert!(db::accounts_wait_for_a_slot(pool).await.unwrap(), "it has no slot yet");
    for _ in 0..2 {
        assert_eq!(claimed_account(pool, "").await, "mmm", "alone, an account has every slot");
    }
    assert!(!db::accounts_wait_for_a_slot(pool).await.unwrap(), "who waits has slots already");

    // Names before and after the other account, for each account that the worker may have served last.
    for (newcomer, after) in [("aaa", ""), ("aab", "mmm"), ("zzz", "zzz"), ("zzy", "mmm")] {
        upload(&bench, newcomer).await;
        cut(pool, 1).await;
        assert!(db::accounts_wait_for_a_slot(pool).await.unwrap());
        assert_eq!(claimed_account(pool, after).await, newcomer);
        assert!(!db::accounts_wait_for_a_slot(pool).await.unwrap());
    }
    assert_eq!(claimed_account(pool, "").await, "mmm");
}

#[tokio::test]
async fn accounts_with_equally_many_slots_take_turns() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    for account in ["one", "three", "two"] {
        upload(&bench, account).await;
        cut(pool, 3).await;
    }
    let mut served = String::new();
    let mut order = Vec::new();
    while let Some(claim) = claim(pool, &served).await {
        order.push(claim.account_id.clone());
        served = claim.account_id;
    }
    assert_eq!(order, ["one", "three", "two"].repeat(3));
}

#[tokio::test]
async fn a_chunk_that_took_long_comes_after_all_others_and_makes_nobody_give_way() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    upload(&bench, "slow").await;
    cut(pool, 2).await;
    let first = claim(pool, "").await.unwrap();
    assert!(!first.slow);
    let bell = db::hand_back_chunk(pool, &first.lease, true).await.unwrap();
    assert!(matches!(bell, Some(Job::Chunk { chunk, .. }) if chunk == first.lease.chunk));
    let second = claim(pool, "").await.unwrap();
    assert_ne!(second.lease.chunk, first.lease.chunk);
    let _ = db::hand_back_chunk(pool, &second.lease, true).await.unwrap();
    assert!(!db::accounts_wait_for_a_slot(pool).await.unwrap());

    upload(&bench, "quick").await;
    cut(pool, 1).await;
    assert_eq!(claimed_account(pool, "").await, "quick");
    let again = claim(pool, "").await.unwrap();
    assert!(again.slow && again.account_id == "slow");
}

#[tokio::test]
async fn a_backlog_of_files_sends_one_job_and_leaves_the_next_turn_to_others() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    let later = Upload::contacts("bulk_create").field("scheduledAt", "2999-01-01T00:00:00Z");
    let hoarder = bench.platform.client("hoarder");
    for n in 0..30 {
        hoarder.upload(file([format!("user{n}@example.com,User,1")]), &later).await;
    }
    sqlx::query("UPDATE bulk_actions SET scheduled_at = now()").execute(pool).await.unwrap();
    assert!(!db::start_scheduled(pool).await.unwrap());
    assert_eq!(number(pool, "SELECT count(*) FROM bulk_actions WHERE status = 'queued'").await, 30);
    sqlx::query("UPDATE bulk_actions SET rung_at = NULL").execute(pool).await.unwrap();
    let bells = db::waiting_files(pool, 0, 100).await.unwrap();
    assert_eq!(bells.len(), 1, "thirty files are due, and one of them may be read");

    let reading = claim_file(pool, "").await.unwrap();
    assert_eq!(reading.account_id, "hoarder");
    assert_eq!(db::waiting_files(pool, 0, 100).await.unwrap(), []);
    assert!(!db::files_wait_for_a_slot(pool, i64::MAX).await.unwrap());
    assert!(claim_file(pool, "").await.is_none(), "its other files wait for that one");

    upload(&bench, "newcomer").await;
    assert!(db::files_wait_for_a_slot(pool, i64::MAX).await.unwrap());
    assert_eq!(claim_file(pool, "").await.unwrap().account_id, "newcomer");
    db::finish_file(pool, &reading.lease, IN_FLIGHT).await.unwrap();
    assert_eq!(claim_file(pool, "").await.unwrap().account_id, "hoarder");
}

#[tokio::test]
async fn accounts_with_many_files_take_turns_and_a_newcomer_is_among_them() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    for account in ["aaa", "aaa", "aaa", "ccc", "ccc", "ccc"] {
        upload(&bench, account).await;
    }
    upload(&bench, "bbb").await;
    let mut order = Vec::new();
    let mut served = "aaa".to_owned();
    while let Some(claim) = claim_file(pool, &served).await {
        db::finish_file(pool, &claim.lease, IN_FLIGHT).await.unwrap();
        order.push(claim.account_id.clone());
        served = claim.account_id;
    }
    assert_eq!(order, ["bbb", "ccc", "aaa", "ccc", "aaa", "ccc", "aaa"]);
}

#[tokio::test]
async fn where_only_small_files_are_let_in_they_pass_the_large_ones() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    upload(&bench, "large").await;
    sqlx::query("UPDATE bulk_actions SET file_size_bytes = 1000000").execute(pool).await.unwrap();
    let share = FileShare { max_per_account: 1, max_bytes: 1000 };
    assert!(!db::files_wait_for_a_slot(pool, share.max_bytes).await.unwrap());
    assert!(db::claim_file(pool, "reader", LEASE_MS, share, "").await.unwrap().is_none());
    upload(&bench, "small").await;
    let claim = db::claim_file(pool, "reader", LEASE_MS, share, "").await.unwrap();
    assert_eq!(claim.unwrap().account_id, "small");
}

#[tokio::test]
async fn a_chunk_whose_workers_end_without_a_word_is_dead_and_a_retry_forgets_that() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    let id = upload(&bench, "acme").await;
    cut(pool, 1).await;
    let lose = async || {
        let claim = db::claim_chunk(pool, "doomed", 0, "").await.unwrap().expect("it waits again");
        let (dead, _) = db::bury_lost_chunks(pool, MOST_LOST, IN_FLIGHT).await.unwrap();
        db::expire_chunk_leases(pool).await.unwrap();
        (claim.lease, dead)
    };
    for _ in 1..MOST_LOST {
        assert_eq!(lose().await.1, 0);
    }
    // One of those workers was only frozen.
    let lease = db::claim_chunk(pool, "frozen", LEASE_MS, "").await.unwrap().unwrap().lease;
    db::chunk_lease_survived(pool, &lease).await.unwrap();
    let _ = db::hand_back_chunk(pool, &lease, false).await.unwrap();
    assert_eq!(lose().await.1, 0);
    assert_eq!(lose().await.1, 1);

    let action = bench.client().data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(action["status"], "failed", "{action:#}");
    let reason: String =
        sqlx::query_scalar("SELECT last_error FROM bulk_action_chunks WHERE status = 'dead'")
            .fetch_one(pool)
            .await
            .unwrap();
    assert!(reason.starts_with("5 workers in a row ended without a word"), "{reason}");
    obeyed(&bench.client(), &id.to_string(), "retry").await;
    assert_eq!(number(pool, "SELECT max(lost)::bigint FROM bulk_action_chunks").await, 0);
}

#[tokio::test]
async fn a_file_whose_readers_end_without_a_word_fails_its_action() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    let id = upload(&bench, "acme").await;
    for lost in 1..=MOST_LOST {
        let claim = db::claim_file(pool, "doomed", 0, ANY_FILE, "").await.unwrap();
        assert!(claim.is_some(), "it is read for the {lost}. time");
        assert_eq!(db::expire_file_leases(pool, MOST_LOST).await.unwrap(), 1);
    }
    let action = bench.client().data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(action["status"], "failed", "{action:#}");
    assert!(action.to_string().contains("ended without a word while they read this file"), "{action:#}");
    obeyed(&bench.client(), &id.to_string(), "retry").await;
    assert!(claim_file(pool, "").await.is_some());
}

#[tokio::test]
async fn a_file_is_not_blamed_for_readers_that_got_further_each_time() {
    let bench = Bench::without_workers().await;
    let pool = bench.env.pool();
    let id = upload(&bench, "acme").await;
    for seq in 0..2 * MOST_LOST {
        let claim = db::claim_file(pool, "killed", 0, ANY_FILE, "").await.unwrap().expect("it is read again");
        let chunk = NewChunk { partition: 0, seq, row_count: 1, content_hash: 1, size_bytes: 1 };
        db::record_chunk(pool, &claim.lease, chunk, IN_FLIGHT).await.unwrap();
        assert_eq!(db::expire_file_leases(pool, MOST_LOST).await.unwrap(), 1);
    }
    let action = bench.client().data(&format!("/bulk-actions/{id}")).await;
    assert_eq!(action["status"], "processing", "{action:#}");
}
