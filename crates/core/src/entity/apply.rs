//! Applies rows to the tables inside the caller's transaction, with the same effect as applying them one after another
//! in file order. A batch that the database refuses is bisected in savepoints down to the single row, so that only the
//! bad row fails.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{Connection, PgConnection};

use super::declaration::AccountId;
use super::execute::{self, Matched, Way};
use super::fold::{Batch, Leader, batches};
use super::read::parse_row;
use super::refusal::refusal;
use super::statements::Statement;
use super::{ColumnMap, Entity, FieldProblem, Row};
use crate::action::{ActionType, OnConflict};
use crate::chunk::{ChunkRow, RecordId, RowCode, RowOutcome, RowStatus};

/// Attempts of an upsert for a row that lost a race against another action.
const RACE_ATTEMPTS: usize = 3;

/// Request to apply the rows of a chunk.
pub struct ApplyRequest<'a> {
    /// Account that owns the records.
    pub account: &'a str,
    /// Operation applied to each row.
    pub action: ActionType,
    /// Handling of a create whose record exists.
    pub on_conflict: OnConflict,
    /// Compute every outcome, but change nothing.
    pub dry_run: bool,
    /// Positions of the entity's columns in the file.
    pub map: &'a ColumnMap,
    /// The rows that the chunking worker accepted, in file order.
    pub rows: &'a [ChunkRow<'a>],
}

impl Entity {
    /// Applies rows inside the caller's transaction, as if one after another in file order. Returns one outcome per
    /// row.
    ///
    /// # Errors
    /// Any database error that is not caused by a row's data. The caller must then roll back.
    pub async fn apply(
        &self,
        conn: &mut PgConnection,
        request: &ApplyRequest<'_>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        match self.clearing(request.map) {
            Some(entity) => entity.apply_rows(conn, request).await,
            None => self.apply_rows(conn, request).await,
        }
    }

    async fn apply_rows(
        &self,
        conn: &mut PgConnection,
        request: &ApplyRequest<'_>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        let account = match self.account_id(request.account) {
            Ok(account) => account,
            Err(sentence) => {
                let outcome = RowOutcome::failed(RowCode::Invalid, sentence);
                return Ok(vec![outcome; request.rows.len()]);
            }
        };
        let (rows, problems): (Vec<Row>, Vec<Vec<FieldProblem>>) =
            request.rows.iter().map(|row| parse_row(self, request.map, row)).unzip();
        let mut outcomes = vec![None; rows.len()];
        for (outcome, problems) in outcomes.iter_mut().zip(&problems).filter(|(_, found)| !found.is_empty()) {
            // The chunking worker refuses such rows; this one was parsed differently (by another version, for example).
            *outcome = Some(RowOutcome::failed(RowCode::Invalid, FieldProblem::sentence(problems)));
        }
        let readable: Vec<(usize, &Row)> =
            rows.iter().enumerate().filter(|(index, _)| problems[*index].is_empty()).collect();
        let batches = batches(self, &readable, request.action, request.on_conflict);
        let mut run =
            Run { entity: self, account: &account, request, rows: &rows, outcomes, ways: HashMap::new() };
        // A dry run executes the same statements inside a savepoint and rolls it back, so its outcomes include the
        // database's own constraints.
        if request.dry_run {
            let mut rehearsal = conn.begin().await?;
            run.all(&mut rehearsal, batches).await?;
            rehearsal.rollback().await?;
            run.outcomes.iter_mut().flatten().for_each(as_rehearsed);
        } else {
            run.all(conn, batches).await?;
        }
        Ok(run.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(no_identity)).collect())
    }
}

/// The chunking worker refuses rows without an identity; the message here is the same.
fn no_identity() -> RowOutcome {
    RowOutcome::failed(RowCode::Invalid, "an id or a key is required")
}

fn as_rehearsed(outcome: &mut RowOutcome) {
    if outcome.status == RowStatus::Success {
        // The id of a record that the rollback removes again means nothing to the client.
        outcome.record_id = outcome.record_id.filter(|_| outcome.code != RowCode::Created);
        outcome.code = RowCode::Valid;
    }
}

struct Run<'r> {
    entity: &'r Entity,
    account: &'r AccountId,
    request: &'r ApplyRequest<'r>,
    rows: &'r [Row],
    outcomes: Vec<Option<RowOutcome>>,
    /// Execution mode of each statement that has run, by its text.
    ways: HashMap<Arc<str>, Way>,
}

impl Run<'_> {
    async fn all(&mut self, conn: &mut PgConnection, batches: Vec<Batch<'_>>) -> sqlx::Result<()> {
        execute::disable_cached_plans(conn).await?;
        // A stack, so that the halves of a refused batch run before the batches after it: file order must hold.
        let mut waiting = batches;
        waiting.reverse();
        while let Some(batch) = waiting.pop() {
            // One savepoint per batch: a refused statement aborts the transaction, and only a rollback to a savepoint
            // makes it usable.
            let mut savepoint = conn.begin().await?;
            match self.statement(&mut savepoint, &batch).await {
                Ok(outcomes) => {
                    savepoint.commit().await?;
                    self.record_outcomes(&batch, outcomes);
                }
                Err(error) => {
                    // An error that no row caused (outage, lock timeout) ends the chunk; its attempt is repeated.
                    let Some(sentence) = refusal(&error) else { return Err(error) };
                    savepoint.rollback().await?;
                    self.split_batch(batch, &sentence, &mut waiting);
                }
            }
        }
        execute::allow_cached_plans(conn).await
    }

    /// Handles a batch that the database refused: retries its halves, then the uploaded rows one by one, then fails the
    /// row.
    fn split_batch<'a>(&mut self, mut batch: Batch<'a>, sentence: &str, waiting: &mut Vec<Batch<'a>>)
    where
        Self: 'a,
    {
        let by_id = batch.by_id;
        if batch.leaders.len() > 1 {
            let second = batch.leaders.split_off(batch.leaders.len() / 2);
            // Pushed in reverse order: the first half runs first.
            waiting.push(Batch { leaders: second, by_id });
            waiting.push(batch);
            return;
        }
        for leader in batch.leaders {
            if leader.followers.is_empty() {
                self.outcomes[leader.index] = Some(RowOutcome::failed(RowCode::Rejected, sentence));
                continue;
            }
            // A folded row is refused as a whole, although only one of its uploaded rows may be at fault: retry them
            // unfolded.
            let uploaded = std::iter::once(leader.index).chain(leader.followers);
            let single = uploaded.map(|index| {
                let row = Cow::Owned(self.rows[index].clone());
                Batch { leaders: vec![Leader { row, index, followers: Vec::new() }], by_id }
            });
            let mut singles: Vec<_> = single.collect();
            // Reversed for the stack, so that they run in file order.
            singles.reverse();
            waiting.extend(singles);
        }
    }

    fn record_outcomes(&mut self, batch: &Batch<'_>, outcomes: Vec<RowOutcome>) {
        for (leader, outcome) in batch.leaders.iter().zip(outcomes) {
            for &follower in &leader.followers {
                self.outcomes[follower] = Some(self.outcome_of_follower(&outcome));
            }
            self.outcomes[leader.index] = Some(outcome);
        }
    }

    /// Outcome of a later row for the same record, given the outcome of the first row.
    fn outcome_of_follower(&self, outcome: &RowOutcome) -> RowOutcome {
        match (self.request.action, outcome.code) {
            // A delete leaves no record for a later row, and a missing record stays missing.
            (ActionType::BulkDelete, _) | (_, RowCode::NotFound) => self.not_found(),
            (ActionType::BulkCreate, _) if self.request.on_conflict != OnConflict::Update => {
                self.already_exists(outcome.record_id)
            }
            _ => RowOutcome::success(RowCode::Updated, outcome.record_id),
        }
    }

    async fn statement(
        &mut self,
        conn: &mut PgConnection,
        batch: &Batch<'_>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        let rows: Vec<&Row> = batch.leaders.iter().map(|leader| leader.row.as_ref()).collect();
        let statements = &self.entity.statements;
        let (code, statement) = match (self.request.action, batch.by_id) {
            (ActionType::BulkUpdate, true) => (RowCode::Updated, &statements.update_by_id),
            (ActionType::BulkUpdate, false) => (RowCode::Updated, &statements.update_by_key),
            (ActionType::BulkDelete, true) => (RowCode::Deleted, &statements.delete_by_id),
            (ActionType::BulkDelete, false) => (RowCode::Deleted, &statements.delete_by_key),
            (ActionType::BulkCreate, _) => return self.create(conn, &rows).await,
            (ActionType::BulkUpsert, _) => return self.upsert(conn, &rows).await,
        };
        let found = self.matching(conn, statement, &rows).await?;
        let mut outcomes: Vec<Option<RowOutcome>> = vec![None; rows.len()];
        for Matched { index, id } in found {
            outcomes[index] = Some(RowOutcome::success(code, Some(id)));
        }
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| self.not_found())).collect())
    }

    /// Runs a statement that finds or changes records. The execution mode is determined once per statement and chunk.
    async fn matching(
        &mut self,
        conn: &mut PgConnection,
        statement: &Statement,
        rows: &[&Row],
    ) -> sqlx::Result<Vec<Matched>> {
        let way = match self.ways.get(&statement.sql) {
            Some(way) => *way,
            None => {
                let way = execute::way(conn, self.entity, statement, self.account, rows.len()).await?;
                self.ways.insert(statement.sql.clone(), way);
                way
            }
        };
        execute::matching(conn, self.entity, statement, way, self.account, rows).await
    }

    async fn create(&mut self, conn: &mut PgConnection, rows: &[&Row]) -> sqlx::Result<Vec<RowOutcome>> {
        let mut outcomes: Vec<Option<RowOutcome>> = vec![None; rows.len()];
        self.insert(conn, rows, &mut outcomes).await?;
        if self.request.on_conflict == OnConflict::Update {
            return self.update_or_insert(conn, rows, outcomes).await;
        }
        let (indexes, existing) = open_rows(rows, &outcomes);
        if !existing.is_empty() {
            let statement = &self.entity.statements.find_by_key;
            let found = self.matching(conn, statement, &existing).await?;
            for Matched { index, id } in found {
                outcomes[indexes[index]] = Some(self.already_exists(Some(id)));
            }
        }
        // Rows without an outcome conflict with a record that has their id but another key.
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| self.already_exists(None))).collect())
    }

    async fn upsert(&mut self, conn: &mut PgConnection, rows: &[&Row]) -> sqlx::Result<Vec<RowOutcome>> {
        self.update_or_insert(conn, rows, vec![None; rows.len()]).await
    }

    /// Updates existing records and inserts missing ones until every row has an outcome. Repeated, because another
    /// action may insert or delete a record between the two statements.
    async fn update_or_insert(
        &mut self,
        conn: &mut PgConnection,
        rows: &[&Row],
        mut outcomes: Vec<Option<RowOutcome>>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        self.refuse_other_ids(conn, rows, &mut outcomes).await?;
        for _ in 0..RACE_ATTEMPTS {
            let (indexes, open) = open_rows(rows, &outcomes);
            if open.is_empty() {
                break;
            }
            // Update first: most rows of an upsert usually exist, and an insert would only find a conflict.
            let statement = &self.entity.statements.update_by_key;
            for Matched { index, id } in self.matching(conn, statement, &open).await? {
                outcomes[indexes[index]] = Some(RowOutcome::success(RowCode::Updated, Some(id)));
            }
            for index in indexes {
                if outcomes[index].is_none() {
                    // Only now is it known that the row would insert: an update needs fewer columns.
                    outcomes[index] = self.unfit_for_insert(rows[index]);
                }
            }
            self.insert(conn, rows, &mut outcomes).await?;
        }
        // After several rounds neither statement applied to the row: the id belongs to a record with another key.
        let taken = || RowOutcome::failed(RowCode::Rejected, "another record already has this id");
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(taken)).collect())
    }

    /// Refuses rows whose id differs from the id of the record with their key. An id never changes, so such a row names
    /// one record by id and another by key, and would silently change the latter.
    async fn refuse_other_ids(
        &mut self,
        conn: &mut PgConnection,
        rows: &[&Row],
        outcomes: &mut [Option<RowOutcome>],
    ) -> sqlx::Result<()> {
        let (indexes, open) = open_rows(rows, outcomes);
        let (indexes, named): (Vec<usize>, Vec<&Row>) =
            indexes.into_iter().zip(open).filter(|(_, row)| row.id().is_some()).unzip();
        if named.is_empty() {
            return Ok(());
        }
        let statement = &self.entity.statements.find_by_key;
        for Matched { index, id } in self.matching(conn, statement, &named).await? {
            if named[index].id() != Some(id) {
                let (name, key) = (self.entity.name(), &self.entity.key().name);
                let sentence = format!(
                    "id is not that of the {name} with this {key}: leave it empty, or correct one of the two"
                );
                outcomes[indexes[index]] = Some(RowOutcome::failed(RowCode::Invalid, sentence));
            }
        }
        Ok(())
    }

    /// Inserts the rows without an outcome; rows that conflict with a record get none.
    async fn insert(
        &self,
        conn: &mut PgConnection,
        rows: &[&Row],
        outcomes: &mut [Option<RowOutcome>],
    ) -> sqlx::Result<()> {
        let (indexes, open) = open_rows(rows, outcomes);
        if open.is_empty() {
            return Ok(());
        }
        let complete: Vec<Row> = open.into_iter().map(|row| self.entity.with_id(row)).collect();
        for Matched { index, id } in execute::insert(conn, self.entity, self.account, &complete).await? {
            outcomes[indexes[index]] = Some(RowOutcome::success(RowCode::Created, Some(id)));
        }
        Ok(())
    }

    /// Reason why a row cannot insert a new record, or `None` if it can.
    fn unfit_for_insert(&self, row: &Row) -> Option<RowOutcome> {
        let entity = self.entity;
        let name = &entity.name;
        let sentence = if let Some(column) = row.missing(entity) {
            format!("{column} is required for a new {name}")
        } else if entity.id.generated && row.id().is_some() {
            format!("id must be empty for a new {name}: the database gives it one")
        } else {
            return None;
        };
        Some(RowOutcome::failed(RowCode::Invalid, sentence))
    }

    fn not_found(&self) -> RowOutcome {
        RowOutcome::failed(RowCode::NotFound, format!("no {} has this id or key", self.entity.name))
    }

    fn already_exists(&self, id: Option<RecordId>) -> RowOutcome {
        let sentence = format!("this {} already exists", self.entity.name);
        if self.request.on_conflict == OnConflict::Error {
            RowOutcome { record_id: id, ..RowOutcome::failed(RowCode::AlreadyExists, sentence) }
        } else {
            RowOutcome::skipped(RowCode::AlreadyExists, sentence, id)
        }
    }
}

fn open_rows<'a>(rows: &[&'a Row], outcomes: &[Option<RowOutcome>]) -> (Vec<usize>, Vec<&'a Row>) {
    let open = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_none());
    open.map(|(index, _)| (index, rows[index])).unzip()
}

#[cfg(test)]
mod tests;
