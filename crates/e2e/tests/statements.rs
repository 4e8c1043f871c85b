//! Cost of the entities' statements in the database, with any statistics of the planner.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use bulk_core::action::{ActionType, OnConflict};
use bulk_core::chunk::{ChunkEncoder, RowOutcome, RowStatus, decode_chunk};
use bulk_core::db::{self, SessionBounds};
use bulk_core::entity::{ApplyRequest, Entities, Entity};
use secrecy::SecretString;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use testkit::TestEnv;

const RECORDS: usize = 2000;
const CHANGED: usize = 200;
/// Reads of a record per row: finding it, changing it, and a margin for a check.
const READS_PER_ROW: i64 = 3;
const NEWCOMER: &str = "newcomer";

/// State of the statistics and of cached plans.
#[derive(Debug, Clone, Copy)]
enum Belief {
    /// Statistics of the current table.
    Fresh,
    /// No statistics.
    Never,
    /// Sixty records of thirty accounts: a new account appears to have none.
    ThirtyAccounts,
    /// Sixty records of sixty accounts: an account appears to have one record.
    SixtyAccounts,
    /// A table whose records were all deleted: it appears empty at any size.
    Emptied,
    /// Statements planned repeatedly while the table held one record.
    Kept,
}

const BELIEFS: [Belief; 6] = [
    Belief::Fresh,
    Belief::Never,
    Belief::ThirtyAccounts,
    Belief::SixtyAccounts,
    Belief::Emptied,
    Belief::Kept,
];

#[tokio::test]
async fn a_row_costs_as_much_as_its_record_whatever_the_planner_believes() {
    let env = TestEnv::new().await;
    let url = SecretString::from(env.settings()["DATABASE_URL"].clone());
    let pool = db::connect(&url, "test", 1, SessionBounds::only_idle(Duration::from_secs(60))).unwrap();
    for belief in BELIEFS {
        for entity in Entities::built_in().all() {
            // All in one transaction, so that no other ANALYZE sees the records.
            let mut tx = pool.begin().await.unwrap();
            believe(&mut tx, entity, belief).await;
            let all: Vec<usize> = (0..RECORDS).collect();
            let created = apply(&mut tx, entity, NEWCOMER, ActionType::BulkCreate, &keys(entity, &all)).await;
            if let Belief::Fresh = belief {
                analyze(&mut tx, entity).await;
            }
            every_operation_is_cheap(&mut tx, entity, belief, &created).await;
            plans_in_order_have_both_columns(&mut tx, entity, belief).await;
            tx.rollback().await.unwrap();
        }
    }
}

async fn every_operation_is_cheap(
    conn: &mut PgConnection,
    entity: &Entity,
    belief: Belief,
    created: &[RowOutcome],
) {
    let some: Vec<usize> = (0..CHANGED).map(|place| place * RECORDS / CHANGED).collect();
    let by_key = keys(entity, &some);
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
        let before = records_read(conn).await;
        apply(conn, entity, NEWCOMER, action, rows).await;
        let read = records_read(conn).await - before;
        let most = READS_PER_ROW * CHANGED as i64;
        assert!(read <= most, "{belief:?} {} {action:?}: {CHANGED} rows read {read} records", entity.name());
    }
}

async fn believe(conn: &mut PgConnection, entity: &Arc<Entity>, belief: Belief) {
    let account = |number: usize| format!("account-{number}");
    match belief {
        Belief::Fresh | Belief::Never => {}
        Belief::ThirtyAccounts | Belief::SixtyAccounts => {
            let (accounts, each) = if let Belief::ThirtyAccounts = belief { (30, 2) } else { (60, 1) };
            let rows: Vec<usize> = (0..each).collect();
            for number in 0..accounts {
                apply(conn, entity, &account(number), ActionType::BulkCreate, &keys(entity, &rows)).await;
            }
            analyze(conn, entity).await;
        }
        Belief::Emptied => {
            let rows: Vec<usize> = (0..RECORDS).collect();
            apply(conn, entity, &account(0), ActionType::BulkCreate, &keys(entity, &rows)).await;
            analyze(conn, entity).await;
            apply(conn, entity, &account(0), ActionType::BulkDelete, &keys(entity, &rows)).await;
            analyze(conn, entity).await;
        }
        Belief::Kept => {
            // A plan is cached from the sixth execution on.
            for _ in 0..8 {
                for action in [ActionType::BulkUpsert, ActionType::BulkUpdate, ActionType::BulkCreate] {
                    apply(conn, entity, &account(0), action, &keys(entity, &[0])).await;
                }
            }
        }
    }
}

async fn analyze(conn: &mut PgConnection, entity: &Entity) {
    let analyze = format!("ANALYZE {}", entity.table_sql());
    sqlx::query(AssertSqlSafe(analyze)).execute(conn).await.unwrap();
}

/// Checks that the forced texts leave the planner no other plan.
async fn plans_in_order_have_both_columns(conn: &mut PgConnection, entity: &Entity, belief: Belief) {
    sqlx::query("SET LOCAL enable_sort = off").execute(&mut *conn).await.unwrap();
    for mode in ["force_custom_plan", "force_generic_plan"] {
        let mode = format!("SET LOCAL plan_cache_mode = {mode}");
        sqlx::query(AssertSqlSafe(mode)).execute(&mut *conn).await.unwrap();
        for (name, statement) in entity.statements().named() {
            let (Some(sql), Some(by)) = (&statement.in_order, statement.by) else { continue };
            let nulls = vec!["NULL"; statement.columns.len()].join(", ");
            let prepared = format!("PREPARE in_order AS {sql}");
            sqlx::raw_sql(AssertSqlSafe(prepared)).execute(&mut *conn).await.unwrap();
            let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE in_order('{NEWCOMER}', {nulls})");
            let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_one(&mut *conn).await.unwrap();
            sqlx::raw_sql("DEALLOCATE in_order").execute(&mut *conn).await.unwrap();
            let conditions = index_conditions(&plan);
            let [condition] = conditions.as_slice() else { panic!("{belief:?} {name}: {plan:#}") };
            let columns = ["account_id".to_owned(), entity.columns()[by].sql.clone()];
            assert!(columns.iter().all(|column| condition.contains(column)), "{belief:?} {name}: {plan:#}");
        }
    }
}

/// The conditions of all index scans of a plan.
fn index_conditions(plan: &Value) -> Vec<String> {
    let parts: Vec<&Value> = match plan {
        Value::Array(parts) => parts.iter().collect(),
        Value::Object(node) => node.values().collect(),
        _ => Vec::new(),
    };
    let own = plan["Index Cond"].as_str().map(str::to_owned);
    own.into_iter().chain(parts.into_iter().flat_map(index_conditions)).collect()
}

/// A header and rows.
type Table = (Vec<String>, Vec<Vec<String>>);

/// Rows with all columns but the id, each with a unique key.
fn keys(entity: &Entity, places: &[usize]) -> Table {
    let columns: Vec<_> = entity.columns().iter().skip(1).collect();
    let cells = |place: usize| {
        columns.iter().map(move |column| {
            if column.name == entity.key().name {
                format!("{place}{}", column.example)
            } else {
                column.example.clone()
            }
        })
    };
    let rows = places.iter().map(|&place| cells(place).collect()).collect();
    (columns.iter().map(|column| column.name.clone()).collect(), rows)
}

/// Applies the rows as a chunk; all must succeed (or, for existing records, be skipped).
async fn apply(
    conn: &mut PgConnection,
    entity: &Entity,
    account: &str,
    action: ActionType,
    (header, cells): &Table,
) -> Vec<RowOutcome> {
    let mut encoder = ChunkEncoder::new(header);
    for (row, fields) in (1..).zip(cells) {
        encoder.push(row, None, fields.iter().map(String::as_str));
    }
    let (header, rows) = decode_chunk(&encoder.finish(), cells.len()).unwrap();
    let layout = entity.layout(&header, &Default::default(), &Default::default(), action).unwrap();
    let request = ApplyRequest {
        account,
        action,
        on_conflict: OnConflict::Skip,
        dry_run: false,
        map: &layout.map,
        rows: &rows.iter().collect::<Vec<_>>(),
    };
    let outcomes = entity.apply(conn, &request).await.unwrap();
    assert_eq!(outcomes.len(), cells.len());
    assert!(outcomes.iter().all(|outcome| outcome.status != RowStatus::Failed), "{:?}", outcomes.first());
    outcomes
}

/// Records that the transaction has read so far, with or without an index.
async fn records_read(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::bigint FROM pg_stat_xact_user_tables",
    )
    .fetch_one(conn)
    .await
    .unwrap()
}
