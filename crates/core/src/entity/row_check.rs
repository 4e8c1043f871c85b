//! Checks that a header and a row allow the operation, by the entity's declaration alone (without the database).

use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::read::read_row;
use super::{Column, ColumnMap, Entity, FieldProblem, Fields, Row, Value};
use crate::action::ActionType;

/// Result of checking a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRules {
    /// True if rows may identify their record by id or by key. File order then requires a single partition, because no
    /// hash can tell that an id and a key belong to the same record.
    pub two_identities: bool,
}

/// A row that satisfies every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedRow {
    /// Hash of the row's identity, equal for equal ids or equal keys. With 128 bits, two of ten million different keys
    /// collide with a probability of about 10⁻²⁵, so the hash alone decides about duplicates.
    pub identity: u128,
}

/// Identity of a row's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Identity<'a> {
    Id(&'a Value),
    Key(&'a Value),
}

impl<'a> Identity<'a> {
    /// The identity of a row. Update and delete use the id if the row has one; create and upsert always use the key.
    pub(super) fn of(entity: &Entity, row: &'a Row, action: ActionType) -> Option<Self> {
        let by_id = row.id_value().filter(|_| action.targets_existing()).map(Identity::Id);
        by_id.or_else(|| row.key(entity).map(Identity::Key))
    }

    /// The id or key.
    pub(super) fn value(self) -> &'a Value {
        match self {
            Self::Id(value) | Self::Key(value) => value,
        }
    }

    fn hash(self) -> u128 {
        let seed = match self {
            Self::Id(_) => 1,
            Self::Key(_) => 0,
        };
        match self.value() {
            Value::Text(text) => xxh3_128_with_seed(text.as_bytes(), seed),
            Value::Uuid(id) => xxh3_128_with_seed(id.as_bytes(), seed),
            Value::Integer(number) => xxh3_128_with_seed(&number.to_be_bytes(), seed),
            Value::Date(day) => xxh3_128_with_seed(day.to_string().as_bytes(), seed),
            Value::Instant(instant) => xxh3_128_with_seed(instant.to_rfc3339().as_bytes(), seed),
            Value::Decimal(number) => xxh3_128_with_seed(number.normalize().to_string().as_bytes(), seed),
            Value::Boolean(flag) => xxh3_128_with_seed(&[u8::from(*flag)], seed),
        }
    }
}

impl Entity {
    /// The columns that the operation uses. A delete only needs to identify the record, so invalid values in other
    /// columns do not matter.
    #[must_use]
    pub fn relevant(&self, map: &ColumnMap, action: ActionType) -> ColumnMap {
        map.only(|column| {
            action != ActionType::BulkDelete || column == Self::ID_COLUMN || column == self.key_column
        })
    }

    /// Names of the columns that the operation needs and the file does not have.
    #[must_use]
    pub fn missing_columns(&self, map: &ColumnMap, action: ActionType) -> Vec<String> {
        let (id, key) = (map.has(Self::ID_COLUMN), map.has(self.key_column));
        let needed = |index: usize, column: &Column| match action {
            ActionType::BulkCreate => column.required,
            ActionType::BulkUpsert => index == self.key_column,
            ActionType::BulkUpdate | ActionType::BulkDelete => index == self.key_column && !id && !key,
        };
        let columns = self.columns.iter().enumerate();
        let missing = columns.filter(|(index, column)| needed(*index, column) && !map.has(*index));
        missing.map(|(_, column)| column.name.clone()).collect()
    }

    /// True if rows of the file may have a value in the column called `name`.
    #[must_use]
    pub fn has_column(&self, map: &ColumnMap, name: &str) -> bool {
        self.columns.iter().position(|column| column.name == name).is_some_and(|index| map.has(index))
    }

    /// Checks that the file has the columns that the operation needs.
    ///
    /// # Errors
    /// A sentence that names the missing columns.
    pub fn check_header(&self, map: &ColumnMap, action: ActionType) -> Result<HeaderRules, String> {
        let has = |column: usize| map.has(column);
        let (id, key) = (has(Self::ID_COLUMN), has(self.key_column));
        if action.targets_existing() && !id && !key {
            let (id, key) = (&self.columns[Self::ID_COLUMN].name, &self.key().name);
            return Err(format!(
                "the header needs `{id}` or `{key}`, to say which {} each row means",
                self.name
            ));
        }
        let missing = self.missing_columns(map, action);
        let missing: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
        if !missing.is_empty() {
            return Err(format!("the header lacks {}, which {} needs", missing.join(", "), action.as_str()));
        }
        Ok(HeaderRules { two_identities: id && key })
    }

    /// Checks a row against all rules of its relevant columns and the requirements of the operation.
    ///
    /// # Errors
    /// All broken rules.
    pub fn check_row(
        &self,
        map: &ColumnMap,
        action: ActionType,
        fields: &dyn Fields,
    ) -> Result<CheckedRow, Vec<FieldProblem>> {
        let (row, mut problems) = read_row(self, map, fields);
        // A required value that is invalid is already reported and does not count as missing.
        let is_reported = |column: &str| problems.iter().any(|found| found.column == column);
        let lacks = self.needs(&row, action, &is_reported).filter(|(column, _)| !is_reported(column));
        if let Some((column, message)) = lacks {
            problems.push(FieldProblem { column: column.to_owned(), message });
        }
        if action != ActionType::BulkDelete {
            problems.extend(self.cleared_required(map, &row, &problems));
        }
        if action == ActionType::BulkCreate && self.id.generated && row.id().is_some() {
            let column = self.columns[Self::ID_COLUMN].name.clone();
            let message = format!("must be empty: the database gives a new {} its id", self.name);
            problems.push(FieldProblem { column, message });
        }
        match Identity::of(self, &row, action) {
            Some(identity) if problems.is_empty() => Ok(CheckedRow { identity: identity.hash() }),
            _ => Err(problems),
        }
    }

    /// Required columns that the row's empty cells would remove. The key is excluded: it only identifies the record,
    /// and a missing key is reported elsewhere.
    fn cleared_required(&self, map: &ColumnMap, row: &Row, told: &[FieldProblem]) -> Vec<FieldProblem> {
        let columns = self.columns.iter().enumerate();
        let empty = columns.filter(|(index, column)| {
            column.required && *index != self.key_column && map.clears(*index) && !row.has(*index)
        });
        let new = empty.filter(|(_, column)| told.iter().all(|problem| problem.column != column.name));
        let problem = |(_, column): (usize, &Column)| FieldProblem {
            column: column.name.clone(),
            message: "is required: an empty cell cannot clear it".to_owned(),
        };
        new.map(problem).collect()
    }

    /// The requirements of the operation that the row does not meet: for a new record the first missing column that is
    /// not already reported.
    fn needs(
        &self,
        row: &Row,
        action: ActionType,
        is_reported: &dyn Fn(&str) -> bool,
    ) -> Option<(&str, String)> {
        let key = self.key().name.as_str();
        match action {
            ActionType::BulkCreate => {
                let mut columns = self.columns.iter().enumerate();
                let lacking = columns.find(|(index, column)| {
                    column.required && !row.has(*index) && !is_reported(&column.name)
                });
                lacking.map(|(_, column)| (column.name.as_str(), "is required".to_owned()))
            }
            ActionType::BulkUpsert => row.key(self).is_none().then(|| (key, "is required".to_owned())),
            ActionType::BulkUpdate | ActionType::BulkDelete => {
                let id = &self.columns[Self::ID_COLUMN].name;
                let lacking = Identity::of(self, row, action).is_none();
                lacking.then(|| (key, format!("or `{id}` is required")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Entities;

    struct Cells<'a>(&'a [&'a str]);
    impl Fields for Cells<'_> {
        fn get(&self, position: usize) -> Option<&str> {
            self.0.get(position).copied()
        }
    }

    /// A file with the columns email, name, age.
    fn map() -> ColumnMap {
        ColumnMap::new(&[1, 2, 3], 4)
    }

    fn check(action: ActionType, row: &[&str]) -> Result<CheckedRow, Vec<String>> {
        let entities = Entities::built_in();
        let contact = entities.find("contact").unwrap();
        contact.check_row(&contact.relevant(&map(), action), action, &Cells(row)).map_err(|problems| {
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
        let entities = Entities::built_in();
        let contact = entities.find("contact").unwrap();
        let only_name = ColumnMap::new(&[2], 4);
        for action in ActionType::ALL {
            assert!(contact.check_header(&only_name, action).is_err(), "{action:?}");
        }
        let lacking = contact.check_header(&only_name, ActionType::BulkCreate).unwrap_err();
        assert_eq!(lacking, "the header lacks `email`, which bulk_create needs");
        let rules = contact.check_header(&map(), ActionType::BulkUpdate).unwrap();
        assert!(!rules.two_identities);
        let with_id = ColumnMap::new(&[0, 1, 2], 4);
        assert!(contact.check_header(&with_id, ActionType::BulkUpdate).unwrap().two_identities);
    }
}
