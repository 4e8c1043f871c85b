//! What the entities' statements cost the database.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::time::Duration;

use bulk_core::action::{ActionType, OnConflict};
use bulk_core::chunk::{ChunkEncoder, RowOutcome, RowStatus, decode_chunk};
use bulk_core::db::{self, SessionBounds};
use bulk_core::entity::{self, ApplyRequest, ColumnKind, EntityType};
use secrecy::SecretString;
use sqlx::PgConnection;
use testkit::TestEnv;

const RECORDS: usize = 2000;
const CHANGED: usize = 200;
/// Reads of a record for each row that concerns it: to find it, to change it, and room for a check.
const READS_PER_ROW: i64 = 3;

/// The worst that PostgreSQL's planner can know: an account whose first records came after the last ANALYZE. It believes
/// that there are next to none of them, and would compare every row with each.
#[tokio::test]
async fn a_row_costs_as_much_as_its_record_whatever_the_planner_knows() {
    let env = TestEnv::new().await;
    let url = SecretString::from(env.settings()["DATABASE_URL"].clone());
    let pool = db::connect(&url, "test", 1, SessionBounds::only_idle(Duration::from_secs(60))).unwrap();
    for entity in entity::all() {
        // Everything in one transaction, so that no ANALYZE sees the records.
        let mut tx = pool.begin().await.unwrap();
        let all: Vec<usize> = (0..RECORDS).collect();
        let created = apply(&mut tx, *entity, ActionType::BulkCreate, &keys(*entity, &all)).await;
        let some: Vec<usize> = (0..CHANGED).map(|place| place * RECORDS / CHANGED).collect();
        let by_key = keys(*entity, &some);
        let ids = some.iter().map(|&place| vec![created[place].record_id.unwrap().to_string()]).collect();
        let by_id = (vec!["id".to_owned()], ids);
        for (action, rows) in [
            (ActionType::BulkUpdate, &by_key),
            (ActionType::BulkUpdate, &by_id),
            (ActionType::BulkUpsert, &by_key),
            (ActionType::BulkCreate, &by_key),
            (ActionType::BulkDelete, &by_id),
            (ActionType::BulkCreate, &by_key),
            (ActionType::BulkDelete, &by_key),
        ] {
            let before = records_read(&mut tx).await;
            apply(&mut tx, *entity, action, rows).await;
            let read = records_read(&mut tx).await - before;
            let most = READS_PER_ROW * CHANGED as i64;
            assert!(read <= most, "{} {action:?}: {CHANGED} rows read {read} records", entity.name());
        }
        tx.rollback().await.unwrap();
    }
}

/// A header and rows.
type Table = (Vec<String>, Vec<Vec<String>>);

/// Rows with all columns but the id, each with a key of its own.
fn keys(entity: &dyn EntityType, places: &[usize]) -> Table {
    let columns: Vec<_> = entity.columns().iter().filter(|column| column.kind != ColumnKind::Uuid).collect();
    let cells = |place: usize| {
        columns.iter().map(move |column| {
            if column.name == entity.key().name {
                format!("{place}{}", column.example)
            } else {
                column.example.to_owned()
            }
        })
    };
    let rows = places.iter().map(|&place| cells(place).collect()).collect();
    (columns.iter().map(|column| column.name.to_owned()).collect(), rows)
}

/// Applies the rows as a chunk, all of them with success (or, for records that exist, left out).
async fn apply(
    conn: &mut PgConnection,
    entity: &dyn EntityType,
    action: ActionType,
    (header, cells): &Table,
) -> Vec<RowOutcome> {
    let mut encoder = ChunkEncoder::new(header);
    for (row, fields) in (1..).zip(cells) {
        encoder.push(row, None, fields.iter().map(String::as_str));
    }
    let (header, rows) = decode_chunk(&encoder.finish(), cells.len()).unwrap();
    let map = entity::map_columns(entity, &header, &Default::default()).unwrap();
    let request = ApplyRequest {
        account: "newcomer",
        action,
        on_conflict: OnConflict::Skip,
        dry_run: false,
        map: &entity.relevant(&map, action),
        rows: &rows.iter().collect::<Vec<_>>(),
    };
    let outcomes = entity.apply(conn, request).await.unwrap();
    assert_eq!(outcomes.len(), cells.len());
    assert!(outcomes.iter().all(|outcome| outcome.status != RowStatus::Failed), "{:?}", outcomes.first());
    outcomes
}

/// Records that the transaction has read so far, by an index or without.
async fn records_read(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::bigint FROM pg_stat_xact_user_tables",
    )
    .fetch_one(conn)
    .await
    .unwrap()
}
