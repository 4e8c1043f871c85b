//! Rows that are folded into one row of a statement, and rows that need statements of their own.

use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::chunk::RecordId;
use crate::entity::Entities;

fn contact() -> Arc<Entity> {
    Entities::built_in().find("contact").unwrap().clone()
}

/// A contact with id, e-mail address and name; 0 and "" mean no value.
fn row((id, email, name): (u128, &str, &str)) -> Row {
    let text = |text: &str| (!text.is_empty()).then(|| Value::Text(text.to_owned()));
    let mut row = Row::new(vec![None, text(email), text(name), None]);
    if id > 0 {
        row.set_id(RecordId::Uuid(Uuid::from_u128(id)));
    }
    row
}

/// For each batch: whether it is by id, and the row indexes that each leader stands for.
fn shape(action: ActionType, rows: &[(u128, &str, &str)]) -> Vec<(bool, Vec<Vec<usize>>)> {
    let (entity, rows) = (contact(), rows.iter().copied().map(row).collect::<Vec<_>>());
    let rows: Vec<(usize, &Row)> = rows.iter().enumerate().collect();
    let batches = batches(&entity, &rows, action, OnConflict::Skip);
    let leader = |leader: &Leader<'_>| {
        std::iter::once(leader.index).chain(leader.followers.iter().copied()).collect::<Vec<_>>()
    };
    batches.iter().map(|batch| (batch.by_id, batch.leaders.iter().map(leader).collect())).collect()
}

use ActionType::{BulkCreate, BulkDelete, BulkUpdate, BulkUpsert};

#[test]
fn rows_with_equal_keys_are_one_row_of_the_statement() {
    let rows = [(0, "a@b.c", "A"), (0, "d@e.f", "D"), (0, "a@b.c", "B")];
    for action in [BulkCreate, BulkUpdate, BulkDelete] {
        assert_eq!(shape(action, &rows), [(false, vec![vec![0, 2], vec![1]])], "{action:?}");
    }
}

#[test]
fn a_file_with_id_and_key_in_every_row_is_folded_by_id() {
    let rows = vec![(1, "a@b.c", "A"); 1000];
    assert_eq!(shape(BulkUpdate, &rows), [(true, vec![(0..1000).collect()])], "one statement");
    assert_eq!(shape(BulkDelete, &rows), [(true, vec![(0..1000).collect()])]);
    let rows = [(1, "a@b.c", "A"), (2, "d@e.f", "D"), (1, "", "B")];
    assert_eq!(shape(BulkUpdate, &rows), [(true, vec![vec![0, 2], vec![1]])]);
}

#[test]
fn an_empty_id_column_changes_nothing() {
    let rows = vec![(0, "a@b.c", "A"); 1000];
    assert_eq!(shape(BulkUpdate, &rows), [(false, vec![(0..1000).collect()])]);
}

#[test]
fn only_a_mixture_of_ids_and_keys_keeps_the_rows_apart() {
    let rows = [(1, "", "A"), (0, "a@b.c", "B"), (0, "a@b.c", "C")];
    let apart = [(true, vec![vec![0]]), (false, vec![vec![1]]), (false, vec![vec![2]])];
    assert_eq!(shape(BulkUpdate, &rows), apart);
    let by_key = [(false, vec![vec![1, 2]])];
    assert_eq!(shape(BulkUpsert, &rows), by_key, "an upsert goes by key alone");
}

#[test]
fn rows_that_contend_for_a_key_are_applied_one_after_another() {
    let same_key = [(1, "a@b.c", ""), (2, "a@b.c", "")];
    assert_eq!(shape(BulkUpdate, &same_key), [(true, vec![vec![0]]), (true, vec![vec![1]])]);
    assert_eq!(shape(BulkDelete, &same_key), [(true, vec![vec![0], vec![1]])], "a delete gives no key");
    let two_keys = [(1, "a@b.c", ""), (1, "d@e.f", "")];
    assert_eq!(shape(BulkUpdate, &two_keys), [(true, vec![vec![0]]), (true, vec![vec![1]])]);
    let later_key = [(1, "", "A"), (1, "a@b.c", ""), (2, "a@b.c", "")];
    assert_eq!(shape(BulkUpdate, &later_key), [(true, vec![vec![0, 1]]), (true, vec![vec![2]])]);
}

#[test]
fn an_upsert_folds_only_onto_a_row_that_could_create_the_record() {
    let rows = [(0, "a@b.c", ""), (0, "a@b.c", "A"), (0, "a@b.c", "")];
    assert_eq!(shape(BulkUpsert, &rows), [(false, vec![vec![0]]), (false, vec![vec![1, 2]])]);
}

#[test]
fn new_records_with_ids_are_not_folded_since_an_id_may_be_taken() {
    let rows = [(1, "a@b.c", "A"), (0, "a@b.c", "B"), (0, "a@b.c", "C"), (1, "d@e.f", "D")];
    let apart = [(false, vec![vec![0]]), (false, vec![vec![1, 2], vec![3]])];
    assert_eq!(shape(BulkCreate, &rows), apart);
    let same_id = [(1, "a@b.c", "A"), (1, "d@e.f", "D")];
    assert_eq!(shape(BulkCreate, &same_id), [(false, vec![vec![0]]), (false, vec![vec![1]])]);
}

proptest! {
    #[test]
    fn a_batch_is_in_the_order_of_its_keys_bytes(keys in proptest::collection::vec("[ab]{0,40}[a-zäß]", 0..60)) {
        let entity = contact();
        let rows: Vec<Row> = keys.iter().map(|key| row((0, key, ""))).collect();
        let indexed: Vec<(usize, &Row)> = rows.iter().enumerate().collect();
        for batch in batches(&entity, &indexed, BulkUpdate, OnConflict::Skip) {
            let keys: Vec<_> = batch.leaders.iter().map(|leader| leader.row.key(&entity)).collect();
            prop_assert!(keys.is_sorted(), "{keys:?}");
            for leader in &batch.leaders {
                prop_assert_eq!(leader.row.key(&entity), rows[leader.index].key(&entity));
            }
        }
    }
}
