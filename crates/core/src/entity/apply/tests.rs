//! Splitting of refused batches, and the outcomes of rows that no statement names.

use std::borrow::Cow;
use std::collections::HashMap;

use csv_intake::header::Mapping;
use uuid::Uuid;

use super::*;
use crate::action::ActionType::{BulkCreate, BulkDelete, BulkUpdate, BulkUpsert};
use crate::action::Intake;
use crate::entity::{Entities, Value};

const ID: RecordId = RecordId::Uuid(Uuid::from_u128(7));

fn contact() -> Arc<Entity> {
    Entities::built_in().find("contact").unwrap().clone()
}

fn rows(count: usize) -> Vec<Row> {
    let email = |n: usize| Value::Text(format!("user{n}@example.com"));
    (0..count).map(|n| Row::new(vec![None, Some(email(n)), None, None])).collect()
}

/// Calls `work` with a run over `count` rows.
fn with_run<T>(
    action: ActionType,
    on_conflict: OnConflict,
    count: usize,
    work: impl FnOnce(&mut Run<'_>) -> T,
) -> T {
    let (entity, rows) = (contact(), rows(count));
    let header = ["email".to_owned()];
    let map = entity.examine(&header, &Mapping::default(), &Intake::default()).map;
    let account = entity.account_id("acme").unwrap();
    let request = ApplyRequest { account: "acme", action, on_conflict, dry_run: false, map: &map, rows: &[] };
    let mut run = Run {
        entity: &entity,
        account: &account,
        request: &request,
        rows: &rows,
        outcomes: vec![None; count],
        ways: HashMap::new(),
    };
    work(&mut run)
}

/// A batch by key whose leaders stand for these rows.
fn batch<'a>(run: &Run<'a>, leaders: &[&[usize]]) -> Batch<'a> {
    let rows = run.rows;
    let leader = |indexes: &&[usize]| Leader {
        row: Cow::Borrowed(&rows[indexes[0]]),
        index: indexes[0],
        followers: indexes[1..].to_vec(),
    };
    Batch { leaders: leaders.iter().map(leader).collect(), by_id: false }
}

/// The rows of each batch, in the order in which the batches will run.
fn order(waiting: &[Batch<'_>]) -> Vec<Vec<usize>> {
    let indexes = |batch: &Batch<'_>| batch.leaders.iter().map(|leader| leader.index).collect();
    waiting.iter().rev().map(indexes).collect()
}

#[test]
fn a_refused_batch_is_halved_and_runs_before_the_batches_after_it() {
    with_run(BulkUpdate, OnConflict::Skip, 5, |run| {
        let mut waiting = vec![batch(run, &[&[4]])];
        let refused = batch(run, &[&[0], &[1], &[2], &[3]]);
        run.split_batch(refused, "refused", &mut waiting);
        assert_eq!(order(&waiting), [vec![0, 1], vec![2, 3], vec![4]]);
        assert!(run.outcomes.iter().all(Option::is_none), "nothing is decided yet");
    });
}

#[test]
fn a_refused_folded_row_is_repeated_as_it_was_uploaded() {
    with_run(BulkUpdate, OnConflict::Skip, 4, |run| {
        let mut waiting = vec![batch(run, &[&[3]])];
        let refused = batch(run, &[&[0, 1, 2]]);
        run.split_batch(refused, "refused", &mut waiting);
        assert_eq!(order(&waiting), [[0], [1], [2], [3]]);
        assert!(waiting.iter().all(|batch| batch.leaders[0].followers.is_empty()));
    });
}

#[test]
fn a_row_that_is_refused_alone_fails_with_the_reason_and_ends_no_other() {
    with_run(BulkUpdate, OnConflict::Skip, 2, |run| {
        let mut waiting = Vec::new();
        let refused = batch(run, &[&[1]]);
        run.split_batch(refused, "the reason", &mut waiting);
        assert!(waiting.is_empty());
        assert_eq!(run.outcomes, [None, Some(RowOutcome::failed(RowCode::Rejected, "the reason"))]);
    });
}

#[test]
fn a_later_row_of_the_same_record_has_the_outcome_that_it_would_have_alone() {
    let updated = RowOutcome::success(RowCode::Updated, Some(ID));
    let cases = [
        (BulkDelete, OnConflict::Skip, RowCode::Deleted, RowCode::NotFound),
        (BulkUpdate, OnConflict::Skip, RowCode::NotFound, RowCode::NotFound),
        (BulkUpdate, OnConflict::Skip, RowCode::Updated, RowCode::Updated),
        (BulkUpsert, OnConflict::Skip, RowCode::Created, RowCode::Updated),
        (BulkCreate, OnConflict::Skip, RowCode::Created, RowCode::AlreadyExists),
        (BulkCreate, OnConflict::Error, RowCode::Created, RowCode::AlreadyExists),
        (BulkCreate, OnConflict::Update, RowCode::Created, RowCode::Updated),
    ];
    for (action, on_conflict, first, later) in cases {
        with_run(action, on_conflict, 2, |run| {
            let leading = batch(run, &[&[0, 1]]);
            run.record_outcomes(&leading, vec![RowOutcome { code: first, ..updated.clone() }]);
            let outcomes: Vec<_> = run.outcomes.iter().flatten().collect();
            assert_eq!((outcomes[0].code, outcomes[1].code), (first, later), "{action:?} {on_conflict:?}");
            let is_failure = later == RowCode::NotFound || on_conflict == OnConflict::Error;
            assert_eq!(outcomes[1].status == RowStatus::Failed, is_failure, "{action:?} {on_conflict:?}");
        });
    }
}

#[test]
fn a_new_record_needs_its_required_columns_and_a_record_that_exists_does_not() {
    with_run(BulkUpsert, OnConflict::Skip, 1, |run| {
        let refused = run.unfit_for_insert(&run.rows[0]).unwrap();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (RowCode::Invalid, "name is required for a new contact")
        );
        let mut complete = run.rows[0].clone();
        complete.take_over(&Row::new(vec![None, None, Some(Value::Text("Ada".to_owned())), None]), &[]);
        assert_eq!(run.unfit_for_insert(&complete), None);
    });
}

#[test]
fn a_dry_run_names_no_record_that_it_has_not_kept() {
    for (code, id) in [(RowCode::Created, None), (RowCode::Updated, Some(ID))] {
        let mut outcome = RowOutcome::success(code, Some(ID));
        as_rehearsed(&mut outcome);
        assert_eq!(outcome, RowOutcome::success(RowCode::Valid, id));
    }
    let failed = RowOutcome::failed(RowCode::Rejected, "no");
    let mut outcome = failed.clone();
    as_rehearsed(&mut outcome);
    assert_eq!(outcome, failed);
}
