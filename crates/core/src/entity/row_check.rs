//! Whether a header and a row can do what the action wants, by the entity's declaration alone (no database).

use uuid::Uuid;
use validator::ValidationErrors;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{Cells, Column, ColumnMap, Entity, FieldProblem, Fields};
use crate::action::ActionType;

/// What a header must have for an action, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRules {
    /// Rows may name their record in two ways, by id and by key. File order can then only be kept by one partition,
    /// since no hash tells that an id and a key mean the same record.
    pub two_identities: bool,
}

/// A row that passed every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedRow {
    /// Hash of what names its record: equal for rows with equal ids or equal keys. 128 bits, so that two of ten million
    /// different keys collide with a probability of about 10⁻²⁵: it stands for the key itself when duplicates are sought.
    pub identity: u128,
}

/// What names a row's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Identity<'a> {
    Id(Uuid),
    Key(&'a str),
}

impl<'a> Identity<'a> {
    /// Update and delete go by id where the row has one; create and upsert always go by key.
    pub(super) fn of<E: Entity>(row: &'a E, action: ActionType) -> Option<Self> {
        let by_id = row.id().filter(|_| action.targets_existing()).map(Identity::Id);
        by_id.or_else(|| row.key().map(Identity::Key))
    }

    fn hash(self) -> u128 {
        match self {
            Self::Id(id) => xxh3_128_with_seed(id.as_bytes(), 1),
            Self::Key(key) => xxh3_128_with_seed(key.as_bytes(), 0),
        }
    }
}

/// The columns of the file that the action looks at: a delete only needs to know which record is meant, so a bad value
/// elsewhere in its row does not matter.
pub(super) fn relevant<E: Entity>(map: &ColumnMap, action: ActionType) -> ColumnMap {
    map.only(|column| action != ActionType::BulkDelete || column == E::ID_COLUMN || column == E::KEY_COLUMN)
}

/// Checks that the file has the columns that the action needs.
pub(super) fn check_header<E: Entity>(map: &ColumnMap, action: ActionType) -> Result<HeaderRules, String> {
    let has = |column: usize| map.position(column).is_some();
    let (id, key) = (has(E::ID_COLUMN), has(E::KEY_COLUMN));
    let name = |column: usize| E::COLUMNS[column].name;
    if action.targets_existing() && !id && !key {
        let (id, key) = (name(E::ID_COLUMN), name(E::KEY_COLUMN));
        return Err(format!("the header needs `{id}` or `{key}`, to say which {} each row means", E::TYPE));
    }
    let needed = |index: usize, column: &Column| match action {
        ActionType::BulkCreate => column.required,
        ActionType::BulkUpsert => index == E::KEY_COLUMN,
        ActionType::BulkUpdate | ActionType::BulkDelete => false,
    };
    let missing: Vec<_> = E::COLUMNS
        .iter()
        .enumerate()
        .filter(|(index, column)| needed(*index, column) && !has(*index))
        .map(|(_, column)| format!("`{}`", column.name))
        .collect();
    if !missing.is_empty() {
        return Err(format!("the header lacks {}, which {} needs", missing.join(", "), action.as_str()));
    }
    Ok(HeaderRules { two_identities: id && key })
}

/// Checks one row against every rule of its columns and the needs of the action.
pub(super) fn check_row<E: Entity>(
    map: &ColumnMap,
    action: ActionType,
    fields: &dyn Fields,
) -> Result<CheckedRow, Vec<FieldProblem>> {
    let mut cells = Cells::new(E::COLUMNS, map, fields);
    let row = E::read(&mut cells);
    let mut problems = cells.into_problems();
    if let Err(errors) = row.validate() {
        broken_rules::<E>(&errors, &mut problems);
    }
    // A required value that is there but unreadable has been reported; it is not missing as well.
    let lacks =
        needs::<E>(&row, action).filter(|(column, _)| problems.iter().all(|found| found.column != *column));
    if let Some((column, message)) = lacks {
        problems.push(FieldProblem { column, message });
    }
    match Identity::of(&row, action) {
        Some(identity) if problems.is_empty() => Ok(CheckedRow { identity: identity.hash() }),
        _ => Err(problems),
    }
}

fn needs<E: Entity>(row: &E, action: ActionType) -> Option<(&'static str, String)> {
    let key = E::COLUMNS[E::KEY_COLUMN].name;
    match action {
        ActionType::BulkCreate => row.missing().map(|column| (column, "is required".to_owned())),
        ActionType::BulkUpsert => row.key().is_none().then(|| (key, "is required".to_owned())),
        ActionType::BulkUpdate | ActionType::BulkDelete => {
            let id = E::COLUMNS[E::ID_COLUMN].name;
            Identity::of(row, action).is_none().then(|| (key, format!("or `{id}` is required")))
        }
    }
}

/// `validator` reports by the row type's field names, in no order; callers know columns, in theirs. Only the rules'
/// own sentences are taken over: the crate's parameters repeat the refused value.
fn broken_rules<E: Entity>(errors: &ValidationErrors, problems: &mut Vec<FieldProblem>) {
    let by_field = errors.field_errors();
    for (column, field) in E::COLUMNS.iter().zip(E::FIELDS) {
        for error in by_field.get(*field).into_iter().flat_map(|errors| errors.iter()) {
            let message = error.message.as_deref().unwrap_or(column.rule).to_owned();
            problems.push(FieldProblem { column: column.name, message });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Contact;

    struct Row<'a>(&'a [&'a str]);
    impl Fields for Row<'_> {
        fn get(&self, position: usize) -> Option<&str> {
            self.0.get(position).copied()
        }
    }

    /// A file with the columns email, name, age.
    fn map() -> ColumnMap {
        ColumnMap::new(&[1, 2, 3], 4)
    }

    fn check(action: ActionType, row: &[&str]) -> Result<CheckedRow, Vec<String>> {
        check_row::<Contact>(&relevant::<Contact>(&map(), action), action, &Row(row)).map_err(|problems| {
            problems.into_iter().map(|problem| format!("{} {}", problem.column, problem.message)).collect()
        })
    }

    #[test]
    fn a_good_row_passes_and_its_key_is_normalised() {
        let plain = check(ActionType::BulkCreate, &["ada@example.com", "Ada", "36"]).unwrap();
        let padded = check(ActionType::BulkCreate, &["  ADA@Example.com ", "Ada", ""]).unwrap();
        assert_eq!(plain, padded);
    }

    #[test]
    fn every_broken_rule_is_named_with_its_column_in_order() {
        assert_eq!(
            check(ActionType::BulkCreate, &["nonsense", "", "999"]).unwrap_err(),
            ["email must be a valid e-mail address", "age must be between 0 and 150", "name is required"]
        );
        assert_eq!(
            check(ActionType::BulkCreate, &["a@b.c", "A", "abc"]).unwrap_err(),
            ["age must be a whole number"]
        );
        assert_eq!(
            check(ActionType::BulkCreate, &["a@b.c", "A\0B", "1"]).unwrap_err(),
            ["name must not contain a NUL character"]
        );
    }

    #[test]
    fn a_delete_looks_only_at_what_names_the_record() {
        assert!(check(ActionType::BulkDelete, &["a@b.c", "", "abc"]).is_ok());
        assert_eq!(
            check(ActionType::BulkDelete, &["", "A", "1"]).unwrap_err(),
            ["email or `id` is required"]
        );
    }

    #[test]
    fn an_upsert_needs_the_key_only() {
        assert!(check(ActionType::BulkUpsert, &["a@b.c", "", ""]).is_ok());
        assert_eq!(check(ActionType::BulkUpsert, &["", "A", "1"]).unwrap_err(), ["email is required"]);
    }

    #[test]
    fn a_header_must_have_what_the_action_needs() {
        let only_name = ColumnMap::new(&[2], 4);
        for action in ActionType::ALL {
            assert!(check_header::<Contact>(&only_name, action).is_err(), "{action:?}");
        }
        let lacking = check_header::<Contact>(&only_name, ActionType::BulkCreate).unwrap_err();
        assert_eq!(lacking, "the header lacks `email`, which bulk_create needs");
        let rules = check_header::<Contact>(&map(), ActionType::BulkUpdate).unwrap();
        assert!(!rules.two_identities);
        let with_id = ColumnMap::new(&[0, 1, 2], 4);
        assert!(check_header::<Contact>(&with_id, ActionType::BulkUpdate).unwrap().two_identities);
    }
}
