//! Runs an entity's statements: binds the rows' values as arrays and reads the returned arrays.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::declaration::{AccountId, IdKind};
use super::statements::Statement;
use super::{Entity, Kind, Row, Value};
use crate::chunk::RecordId;

/// A row whose record was found, changed or inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Matched {
    /// Index of the row in the given slice.
    pub index: usize,
    /// Id of the record.
    pub id: RecordId,
}

type Prepared<'q> = Query<'q, Postgres, PgArguments>;

/// Execution mode of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Planned by PostgreSQL.
    Planned,
    /// Each record is looked up in the order of the index.
    InOrder,
}

/// Runs a statement that finds or changes records.
pub(super) async fn matching(
    conn: &mut PgConnection,
    entity: &Entity,
    statement: &Statement,
    way: Way,
    account: &AccountId,
    rows: &[&Row],
) -> sqlx::Result<Vec<Matched>> {
    let Some(in_order) = statement.in_order.as_ref().filter(|_| way == Way::InOrder) else {
        return ask(conn, entity, &statement.sql, statement, account, rows).await;
    };
    // Nothing else in these statements sorts; this excludes every index that does not provide the order.
    sqlx::query("SET LOCAL enable_sort = off").execute(&mut *conn).await?;
    let mut found = ask(conn, entity, in_order, statement, account, rows).await?;
    if found.len() < rows.len() {
        // A record that a concurrent transaction updated has a new physical place; look up the missing rows again.
        let mut is_found = vec![false; rows.len()];
        found.iter().for_each(|matched| is_found[matched.index] = true);
        let open: Vec<usize> = (0..rows.len()).filter(|&index| !is_found[index]).collect();
        let again: Vec<&Row> = open.iter().map(|&index| rows[index]).collect();
        let late = ask(conn, entity, in_order, statement, account, &again).await?;
        found.extend(late.into_iter().map(|Matched { index, id }| Matched { index: open[index], id }));
    }
    sqlx::query("SET LOCAL enable_sort TO DEFAULT").execute(conn).await?;
    Ok(found)
}

/// Disables cached plans until [`allow_cached_plans`] or the end of the transaction: a plan cached while the table was
/// small would stay after it has grown.
pub(super) async fn disable_cached_plans(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SET LOCAL plan_cache_mode = force_custom_plan").execute(conn).await?;
    Ok(())
}

/// Enables cached plans again for the platform's own statements in the same transaction. To plan them takes longer than to
/// execute them (measured on 2026-11-25).
pub(super) async fn allow_cached_plans(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SET LOCAL plan_cache_mode TO DEFAULT").execute(conn).await?;
    Ok(())
}

/// Chooses the execution mode of a statement: the planner's plan if it uses the unique index, the forced order
/// otherwise.
pub(super) async fn way(
    conn: &mut PgConnection,
    entity: &Entity,
    statement: &Statement,
    account: &AccountId,
    row_count: usize,
) -> sqlx::Result<Way> {
    let Some(by) = statement.by else { return Ok(Way::Planned) };
    let explain = AssertSqlSafe(statement.explain(entity, row_count));
    let plan = bind_account(sqlx::query(explain), account).fetch_one(conn).await?;
    let plan: sqlx::types::Json<serde_json::Value> = plan.try_get(0)?;
    // The plan is inspected because the planner's choice depends on statistics, which may be outdated.
    if is_by_index(&plan, [&entity.account.sql, &entity.columns[by].sql]) {
        return Ok(Way::Planned);
    }
    tracing::debug!(
        entity = entity.name,
        "the planner's statistics are far from the table; going by the index"
    );
    Ok(Way::InOrder)
}

/// True if the plan reads the table `t` by an index scan whose condition has both columns.
fn is_by_index(plan: &serde_json::Value, columns: [&str; 2]) -> bool {
    match plan {
        serde_json::Value::Array(parts) => parts.iter().any(|part| is_by_index(part, columns)),
        serde_json::Value::Object(node) => {
            // PostgreSQL prints conditions such as `((account_id = $1) AND (key = i.key))`, with quotes and casts where
            // needed.
            let is_table = node.get("Alias").is_some_and(|alias| alias == "t");
            let condition = node.get("Index Cond").and_then(serde_json::Value::as_str);
            let names_both = |condition: &str| {
                let plain: String =
                    condition.chars().filter(|part| !matches!(part, '(' | ')' | '"')).collect();
                let sides: Vec<&str> = plain.split(" AND ").collect();
                let has = |column: &str| {
                    let side = |side: &&str| {
                        side.strip_prefix(column)
                            .is_some_and(|rest| rest.starts_with(" =") || rest.starts_with("::"))
                    };
                    sides.iter().any(side)
                };
                columns.into_iter().all(has)
            };
            (is_table && condition.is_some_and(names_both))
                || node.values().any(|part| is_by_index(part, columns))
        }
        _ => false,
    }
}

async fn ask(
    conn: &mut PgConnection,
    entity: &Entity,
    sql: &Arc<str>,
    statement: &Statement,
    account: &AccountId,
    rows: &[&Row],
) -> sqlx::Result<Vec<Matched>> {
    let answer = bound(entity, sql, statement, account, rows).fetch_one(conn).await?;
    let ords: Vec<i64> = answer.try_get::<Option<_>, _>("ords")?.unwrap_or_default();
    let ids = ids(entity, &answer)?;
    // Ordinality starts at 1.
    let index = |ord: i64| usize::try_from(ord - 1).map_err(|error| sqlx::Error::Decode(error.into()));
    ords.into_iter().zip(ids).map(|(ord, id)| Ok(Matched { index: index(ord)?, id })).collect()
}

/// Inserts complete rows. Returns the ids of the rows that did not conflict with a record, by index of the row.
pub(super) async fn insert(
    conn: &mut PgConnection,
    entity: &Entity,
    account: &AccountId,
    rows: &[Row],
) -> sqlx::Result<Vec<Matched>> {
    let given: Vec<&Row> = rows.iter().collect();
    let insert = &entity.statements.insert;
    let answer = bound(entity, &insert.sql, insert, account, &given).fetch_one(conn).await?;
    let ids = ids(entity, &answer)?;
    if entity.id.generated {
        // RETURNING has no row numbers: generated ids are matched to rows by key, given ids by themselves.
        let index_of: HashMap<&Value, usize> =
            rows.iter().enumerate().filter_map(|(index, row)| Some((row.key(entity)?, index))).collect();
        let keys = values(&entity.key().kind, &answer, "keys")?;
        let met = ids.into_iter().zip(&keys);
        Ok(met.filter_map(|(id, key)| Some(Matched { index: *index_of.get(key)?, id })).collect())
    } else {
        let index_of: HashMap<RecordId, usize> =
            rows.iter().enumerate().filter_map(|(index, row)| Some((row.id()?, index))).collect();
        Ok(ids.into_iter().filter_map(|id| Some(Matched { index: *index_of.get(&id)?, id })).collect())
    }
}

fn bound<'q>(
    entity: &Entity,
    sql: &Arc<str>,
    statement: &Statement,
    account: &AccountId,
    rows: &[&Row],
) -> Prepared<'q> {
    // The text contains only quoted names of a checked declaration; values are bound.
    let mut query = bind_account(sqlx::query(AssertSqlSafe(sql.clone())), account);
    for &column in &statement.columns {
        query = bind_column(query, &entity.columns[column].kind, column, rows);
    }
    query
}

fn bind_account<'q>(query: Prepared<'q>, account: &AccountId) -> Prepared<'q> {
    match account {
        AccountId::Text(id) => query.bind(id.clone()),
        AccountId::Uuid(id) => query.bind(*id),
        AccountId::Bigint(id) => query.bind(*id),
    }
}

/// Binds the values of one column as an array. All values have the column's kind, because its own parser produced them.
fn bind_column<'q>(query: Prepared<'q>, kind: &Kind, column: usize, rows: &[&Row]) -> Prepared<'q> {
    macro_rules! array {
        ($variant:ident, $kind:ty) => {{
            let values = rows.iter().map(|row| match row.get(column) {
                Some(Value::$variant(value)) => Some(*value),
                _ => None,
            });
            query.bind(values.collect::<Vec<Option<$kind>>>())
        }};
    }
    match kind {
        Kind::Integer { .. } => array!(Integer, i64),
        Kind::Decimal { .. } => array!(Decimal, Decimal),
        Kind::Boolean => array!(Boolean, bool),
        Kind::Date => array!(Date, chrono::NaiveDate),
        Kind::Instant => array!(Instant, chrono::DateTime<chrono::Utc>),
        Kind::Uuid => array!(Uuid, Uuid),
        Kind::Text { .. }
        | Kind::Email
        | Kind::Url
        | Kind::Choice { .. }
        | Kind::Currency
        | Kind::Country => {
            let texts = rows.iter().map(|row| match row.get(column) {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            });
            query.bind(texts.collect::<Vec<Option<&str>>>())
        }
    }
}

fn ids(entity: &Entity, answer: &PgRow) -> sqlx::Result<Vec<RecordId>> {
    Ok(match entity.id.kind {
        IdKind::Uuid => array::<Uuid>(answer, "ids")?.into_iter().map(RecordId::Uuid).collect(),
        IdKind::Bigint => array::<i64>(answer, "ids")?.into_iter().map(RecordId::Bigint).collect(),
    })
}

/// Values of a returned array, for kinds that a key may have.
fn values(kind: &Kind, answer: &PgRow, name: &str) -> sqlx::Result<Vec<Value>> {
    Ok(match kind {
        Kind::Integer { .. } => array::<i64>(answer, name)?.into_iter().map(Value::Integer).collect(),
        Kind::Uuid => array::<Uuid>(answer, name)?.into_iter().map(Value::Uuid).collect(),
        Kind::Date => array::<chrono::NaiveDate>(answer, name)?.into_iter().map(Value::Date).collect(),
        _ => array::<String>(answer, name)?.into_iter().map(Value::Text).collect(),
    })
}

/// `array_agg` over no rows is NULL.
fn array<T>(answer: &PgRow, name: &str) -> sqlx::Result<Vec<T>>
where
    Vec<T>: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    Ok(answer.try_get::<Option<Vec<T>>, _>(name)?.unwrap_or_default())
}
