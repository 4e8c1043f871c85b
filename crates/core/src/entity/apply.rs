//! Applies rows to the tables, inside the caller's transaction, with the effect of doing so one after another in file
//! order. A statement that the database refuses is bisected in savepoints down to the row, so that a bad row fails alone.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::fold::{Batch, Leader, batches};
use super::refusal::refusal;
use super::{Cells, ColumnMap, Entity, Matched};
use crate::action::{ActionType, OnConflict};
use crate::chunk::{ChunkRow, RowCode, RowOutcome, RowStatus};

/// How often an upsert tries again a row that lost a race against another action.
const RACE_ATTEMPTS: usize = 3;

/// What to do with a chunk's rows.
pub struct ApplyRequest<'a> {
    /// Whose records.
    pub account: &'a str,
    /// What to do.
    pub action: ActionType,
    /// What a create does with a record that exists.
    pub on_conflict: OnConflict,
    /// Find out every outcome, but change nothing.
    pub dry_run: bool,
    /// Where the file has the entity's columns.
    pub map: &'a ColumnMap,
    /// The rows that the chunking worker passed, in file order.
    pub rows: &'a [ChunkRow<'a>],
}

/// One outcome for each row of the request.
pub(super) async fn apply<E: Entity>(
    conn: &mut PgConnection,
    request: &ApplyRequest<'_>,
) -> sqlx::Result<Vec<RowOutcome>> {
    let rows: Vec<E> =
        request.rows.iter().map(|row| E::read(&mut Cells::new(E::COLUMNS, request.map, row))).collect();
    let two_identities =
        request.map.position(E::ID_COLUMN).is_some() && request.map.position(E::KEY_COLUMN).is_some();
    let batches = batches(&rows, request.action, request.on_conflict, two_identities);
    let mut run = Run { request, rows: &rows, outcomes: vec![None; rows.len()] };
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

/// The chunking worker lets no row without an identity through, and says so itself; this is the same verdict.
fn no_identity() -> RowOutcome {
    RowOutcome::failed(RowCode::Invalid, "an id or a key is required")
}

fn as_rehearsed(outcome: &mut RowOutcome) {
    if outcome.status == RowStatus::Success {
        outcome.record_id = outcome.record_id.filter(|_| outcome.code != RowCode::Created);
        outcome.code = RowCode::Valid;
    }
}

struct Run<'r, E> {
    request: &'r ApplyRequest<'r>,
    rows: &'r [E],
    outcomes: Vec<Option<RowOutcome>>,
}

impl<E: Entity> Run<'_, E> {
    async fn all(&mut self, conn: &mut PgConnection, batches: Vec<Batch<'_, E>>) -> sqlx::Result<()> {
        // A stack, so that the parts of a refused batch come before the batches that follow it.
        let mut waiting = batches;
        waiting.reverse();
        while let Some(batch) = waiting.pop() {
            let mut savepoint = conn.begin().await?;
            match self.statement(&mut savepoint, &batch).await {
                Ok(outcomes) => {
                    savepoint.commit().await?;
                    self.note(&batch, outcomes);
                }
                Err(error) => {
                    let Some(sentence) = refusal(&error) else { return Err(error) };
                    savepoint.rollback().await?;
                    self.narrow(batch, &sentence, &mut waiting);
                }
            }
        }
        Ok(())
    }

    /// The database refused the batch: try its halves, then single rows as they were uploaded, then give the row up.
    fn narrow<'a>(&mut self, mut batch: Batch<'a, E>, sentence: &str, waiting: &mut Vec<Batch<'a, E>>)
    where
        Self: 'a,
    {
        let by_id = batch.by_id;
        if batch.leaders.len() > 1 {
            let second = batch.leaders.split_off(batch.leaders.len() / 2);
            waiting.push(Batch { leaders: second, by_id });
            waiting.push(batch);
            return;
        }
        for leader in batch.leaders {
            if leader.followers.is_empty() {
                self.outcomes[leader.index] = Some(RowOutcome::failed(RowCode::Rejected, sentence));
                continue;
            }
            let uploaded = std::iter::once(leader.index).chain(leader.followers);
            let single = uploaded.map(|index| {
                let row = std::borrow::Cow::Owned(self.rows[index].clone());
                Batch { leaders: vec![Leader { row, index, followers: Vec::new() }], by_id }
            });
            let mut singles: Vec<_> = single.collect();
            singles.reverse();
            waiting.extend(singles);
        }
    }

    fn note(&mut self, batch: &Batch<'_, E>, outcomes: Vec<RowOutcome>) {
        for (leader, outcome) in batch.leaders.iter().zip(outcomes) {
            for &follower in &leader.followers {
                self.outcomes[follower] = Some(self.following(&outcome));
            }
            self.outcomes[leader.index] = Some(outcome);
        }
    }

    /// What a later row for the same record meets after the first had `outcome`.
    fn following(&self, outcome: &RowOutcome) -> RowOutcome {
        match (self.request.action, outcome.code) {
            (ActionType::BulkDelete, _) | (_, RowCode::NotFound) => not_found::<E>(),
            (ActionType::BulkCreate, _) if self.request.on_conflict != OnConflict::Update => {
                self.already_exists(outcome.record_id)
            }
            _ => RowOutcome::success(RowCode::Updated, outcome.record_id),
        }
    }

    async fn statement(
        &self,
        conn: &mut PgConnection,
        batch: &Batch<'_, E>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        let account = self.request.account;
        let rows: Vec<&E> = batch.leaders.iter().map(|leader| leader.row.as_ref()).collect();
        let (code, found) = match (self.request.action, batch.by_id) {
            (ActionType::BulkUpdate, true) => {
                (RowCode::Updated, E::update_by_id(conn, account, &rows).await?)
            }
            (ActionType::BulkUpdate, false) => {
                (RowCode::Updated, E::update_by_key(conn, account, &rows).await?)
            }
            (ActionType::BulkDelete, true) => {
                (RowCode::Deleted, E::delete_by_id(conn, account, &rows).await?)
            }
            (ActionType::BulkDelete, false) => {
                (RowCode::Deleted, E::delete_by_key(conn, account, &rows).await?)
            }
            (ActionType::BulkCreate, _) => return self.create(conn, &rows).await,
            (ActionType::BulkUpsert, _) => return self.upsert(conn, &rows).await,
        };
        let mut outcomes: Vec<Option<RowOutcome>> = vec![None; rows.len()];
        for Matched { index, id } in found {
            outcomes[index] = Some(RowOutcome::success(code, Some(id)));
        }
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(not_found::<E>)).collect())
    }

    async fn create(&self, conn: &mut PgConnection, rows: &[&E]) -> sqlx::Result<Vec<RowOutcome>> {
        let mut outcomes: Vec<Option<RowOutcome>> = vec![None; rows.len()];
        self.insert(conn, rows, &mut outcomes).await?;
        if self.request.on_conflict == OnConflict::Update {
            return self.settle(conn, rows, outcomes).await;
        }
        let (indexes, existing) = open_rows(rows, &outcomes);
        if !existing.is_empty() {
            for Matched { index, id } in E::find_by_key(conn, self.request.account, &existing).await? {
                outcomes[indexes[index]] = Some(self.already_exists(Some(id)));
            }
        }
        // What is still open met a record with its id but another key.
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| self.already_exists(None))).collect())
    }

    async fn upsert(&self, conn: &mut PgConnection, rows: &[&E]) -> sqlx::Result<Vec<RowOutcome>> {
        self.settle(conn, rows, vec![None; rows.len()]).await
    }

    /// Updates what exists and inserts what does not, until every row has met one or the other: a record may come or go
    /// between the two statements by another action's hand.
    async fn settle(
        &self,
        conn: &mut PgConnection,
        rows: &[&E],
        mut outcomes: Vec<Option<RowOutcome>>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        for _ in 0..RACE_ATTEMPTS {
            let (indexes, open) = open_rows(rows, &outcomes);
            if open.is_empty() {
                break;
            }
            for Matched { index, id } in E::update_by_key(conn, self.request.account, &open).await? {
                outcomes[indexes[index]] = Some(RowOutcome::success(RowCode::Updated, Some(id)));
            }
            for index in indexes {
                if outcomes[index].is_none()
                    && let Some(column) = rows[index].missing()
                {
                    let sentence = format!("{column} is required for a new {}", E::TYPE);
                    outcomes[index] = Some(RowOutcome::failed(RowCode::Invalid, sentence));
                }
            }
            self.insert(conn, rows, &mut outcomes).await?;
        }
        let taken = || RowOutcome::failed(RowCode::Rejected, "another record already has this id");
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(taken)).collect())
    }

    /// Inserts the rows that have no outcome yet; those that meet a record stay without one.
    async fn insert(
        &self,
        conn: &mut PgConnection,
        rows: &[&E],
        outcomes: &mut [Option<RowOutcome>],
    ) -> sqlx::Result<()> {
        let (indexes, open) = open_rows(rows, outcomes);
        if open.is_empty() {
            return Ok(());
        }
        let complete: Vec<E> = open.into_iter().map(with_id).collect();
        let inserted = E::insert(conn, self.request.account, &complete.iter().collect::<Vec<_>>()).await?;
        let inserted: std::collections::HashSet<Uuid> = inserted.into_iter().collect();
        for (index, row) in indexes.into_iter().zip(&complete) {
            let created = row.id().filter(|id| inserted.contains(id));
            outcomes[index] = created.map(|id| RowOutcome::success(RowCode::Created, Some(id)));
        }
        Ok(())
    }

    fn already_exists(&self, id: Option<Uuid>) -> RowOutcome {
        let sentence = format!("this {} already exists", E::TYPE);
        if self.request.on_conflict == OnConflict::Error {
            RowOutcome { record_id: id, ..RowOutcome::failed(RowCode::AlreadyExists, sentence) }
        } else {
            RowOutcome::skipped(RowCode::AlreadyExists, sentence, id)
        }
    }
}

fn not_found<E: Entity>() -> RowOutcome {
    RowOutcome::failed(RowCode::NotFound, format!("no {} has this id or key", E::TYPE))
}

fn open_rows<'a, E>(rows: &[&'a E], outcomes: &[Option<RowOutcome>]) -> (Vec<usize>, Vec<&'a E>) {
    let open = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_none());
    open.map(|(index, _)| (index, rows[index])).unzip()
}

/// New ids are version 7: they grow, so that inserts go to the end of the primary key's index.
fn with_id<E: Entity>(row: &E) -> E {
    let mut row = row.clone();
    if row.id().is_none() {
        row.set_id(Uuid::now_v7());
    }
    row
}
