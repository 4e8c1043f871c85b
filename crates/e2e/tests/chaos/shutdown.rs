//! SIGTERM: work is completed or handed back in time, even if a store hangs; and a restart of all workers loses nothing.

use std::time::{Duration, Instant};

use sqlx::{PgPool, Row};
use testkit::{Fault, Signal};
use uuid::Uuid;

use crate::plan::Way;
use crate::workload::{self, Kind, Running};
use crate::world::World;

const DEADLINE: Duration = Duration::from_secs(60);
const WORKERS: [&str; 4] =
    ["chunking-worker-1", "chunking-worker-2", "processing-worker-1", "processing-worker-2"];
const ROWS: u64 = 20_000;

async fn until(pool: &PgPool, id: &str, condition: &'static str) {
    let id: Uuid = id.parse().unwrap();
    let end = Instant::now() + DEADLINE;
    while !sqlx::query_scalar::<_, bool>(condition).bind(id).fetch_one(pool).await.unwrap() {
        assert!(Instant::now() < end, "{condition} did not come true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn under_way(world: &World) -> Running {
    let action = workload::upload(world, Kind::Create, ROWS).await;
    until(world.stores.pool(), &action.id, "SELECT chunks_done > 10 FROM bulk_actions WHERE id = $1").await;
    action
}

/// Checks that the reconciler has taken no chunk from a worker, which it would have logged.
fn assert_no_lease_ran_out(world: &World) {
    for chunker in ["chunking-worker-1", "chunking-worker-2"] {
        assert!(!world.platform.log(chunker).contains("whose lease ran out"), "work waited for a lease");
    }
}

/// Sends SIGTERM to every worker at once, and returns the longest time until the exit.
async fn stop_all(world: &mut World) -> Duration {
    let asked = Instant::now();
    for worker in WORKERS {
        world.platform.kill(worker, Signal::SIGTERM).await;
    }
    for worker in WORKERS {
        let status = world.platform.wait_end(worker, Duration::from_secs(30)).await;
        assert!(status.success(), "{worker} ended with {status}");
    }
    asked.elapsed()
}

#[tokio::test]
async fn a_rolling_restart_waits_for_no_lease_and_repeats_no_row() {
    // Longer than the whole test may take: work that waited for a lease to run out would not be done in time.
    let mut world = World::start(&[("LEASE_MS", "120000")]).await;
    let action = under_way(&world).await;
    for worker in WORKERS {
        world.platform.kill(worker, Signal::SIGTERM).await;
        let status = world.platform.wait_end(worker, Duration::from_secs(30)).await;
        assert!(status.success(), "{worker} ended with {status}");
        world.platform.restart(worker).await;
    }
    action.ends_exact(world.stores.pool(), DEADLINE).await;
    assert_no_lease_ran_out(&world);
    let attempts: i32 =
        sqlx::query("SELECT max(attempt) AS most FROM bulk_action_chunks WHERE action_id = $1")
            .bind(action.id.parse::<Uuid>().unwrap())
            .fetch_one(world.stores.pool())
            .await
            .unwrap()
            .get("most");
    assert_eq!(attempts, 1, "a chunk that was begun was finished");
    world.stop().await;
}

#[tokio::test]
async fn workers_that_stop_while_s3_hangs_hand_their_work_back() {
    let mut world = World::start(&[("LEASE_MS", "120000"), ("SHUTDOWN_TIMEOUT_MS", "1500")]).await;
    let action = under_way(&world).await;
    world.stores.s3.set(Fault::Silent);
    // Two in each worker, which is all that they can hold.
    until(
        world.stores.pool(),
        &action.id,
        "SELECT count(*) = 4 FROM bulk_action_chunks WHERE action_id = $1 AND status = 'running'",
    )
    .await;
    let took = stop_all(&mut world).await;
    assert!(took < Duration::from_secs(15), "the workers took {took:?} to leave");
    until(
        world.stores.pool(),
        &action.id,
        "SELECT count(*) = 0 FROM bulk_action_chunks WHERE action_id = $1 AND status = 'running'",
    )
    .await;
    until(world.stores.pool(), &action.id, "SELECT chunking_owner IS NULL FROM bulk_actions WHERE id = $1")
        .await;
    world.way(Way::S3).set(Fault::None);
    for worker in WORKERS {
        world.platform.start_again(worker);
    }
    action.ends_exact(world.stores.pool(), DEADLINE).await;
    assert_no_lease_ran_out(&world);
    world.stop().await;
}

async fn leave_in_time_while_it_hangs(way: Way) {
    let mut world = World::start(&[("SHUTDOWN_TIMEOUT_MS", "1500")]).await;
    let action = under_way(&world).await;
    world.way(way).set(Fault::Silent);
    stop_all(&mut world).await;
    world.way(way).set(Fault::None);
    for worker in WORKERS {
        world.platform.start_again(worker);
    }
    action.ends_exact(world.stores.pool(), DEADLINE).await;
    world.stop().await;
}

#[tokio::test]
async fn workers_that_stop_while_the_database_hangs_leave_in_time() {
    leave_in_time_while_it_hangs(Way::Database).await;
}

#[tokio::test]
async fn workers_that_stop_while_redis_hangs_leave_in_time() {
    leave_in_time_while_it_hangs(Way::Redis).await;
}
