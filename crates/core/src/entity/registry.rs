//! The entities there are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::row_check::{check_header, check_row, relevant};
use super::{
    ApplyRequest, CheckedRow, Column, ColumnMap, Contact, Entity, FieldProblem, Fields, HeaderRules, Order,
    Product, apply,
};
use crate::action::ActionType;
use crate::chunk::RowOutcome;
use csv_intake::header::{self, HeaderProblem, Known, Mapping, Resolved, UnknownColumns, Wanted};

/// Every entity, in the order of the documentation. A new entity is one more line here.
static REGISTRY: &[&dyn EntityType] =
    &[&Declared::<Contact>::NEW, &Declared::<Product>::NEW, &Declared::<Order>::NEW];

/// Every entity that can be uploaded.
#[must_use]
pub fn all() -> &'static [&'static dyn EntityType] {
    REGISTRY
}

/// The entity called `name` in `entityType`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn EntityType> {
    REGISTRY.iter().copied().find(|entity| entity.name() == name)
}

/// Where a file with this header has the entity's columns.
///
/// # Errors
/// Everything that is wrong with the header or the mapping.
pub fn map_columns(
    entity: &dyn EntityType,
    header: &[String],
    mapping: &BTreeMap<String, String>,
) -> Result<ColumnMap, Vec<HeaderProblem>> {
    let resolved = resolve(entity, header, mapping)?;
    Ok(ColumnMap::of_used(resolved.used(), entity.columns().len()))
}

/// What each column of a file with this header stands for.
///
/// # Errors
/// Everything that is wrong with the header or the mapping.
pub fn resolve(
    entity: &dyn EntityType,
    header: &[String],
    mapping: &BTreeMap<String, String>,
) -> Result<Resolved, Vec<HeaderProblem>> {
    let known: Vec<_> =
        entity.columns().iter().map(|column| Known { name: column.name, aliases: &[] }).collect();
    let mapping: Mapping = mapping.iter().map(|(key, target)| (key.clone(), Some(target.clone()))).collect();
    let wanted = Wanted {
        known: &known,
        mapping: &mapping,
        unknown_columns: UnknownColumns::Refuse,
        defaults: &BTreeMap::new(),
    };
    header::resolve(header, &wanted)
}

/// An entity, for code that works with any of them.
#[async_trait]
pub trait EntityType: Send + Sync {
    /// The name in `entityType`.
    fn name(&self) -> &'static str;

    /// Its columns, in the order of the template.
    fn columns(&self) -> &'static [Column];

    /// The key's column.
    fn key(&self) -> &'static Column;

    /// Position in an uploaded file of what a person would call a row's key: the key itself, else the id.
    fn key_position(&self, map: &ColumnMap) -> Option<usize>;

    /// Checks that a file has the columns that an action needs.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    fn check_header(&self, map: &ColumnMap, action: ActionType) -> Result<HeaderRules, String>;

    /// The part of a file's columns that the action looks at.
    fn relevant(&self, map: &ColumnMap, action: ActionType) -> ColumnMap;

    /// Checks one row against the rules of the (relevant) columns and the needs of the action.
    ///
    /// # Errors
    /// Every rule that it breaks.
    fn check_row(
        &self,
        map: &ColumnMap,
        action: ActionType,
        fields: &dyn Fields,
    ) -> Result<CheckedRow, Vec<FieldProblem>>;

    /// Applies rows inside the caller's transaction, as if one after another in file order.
    ///
    /// # Errors
    /// Whatever the database said that is not a row's own fault. The transaction must then be rolled back.
    async fn apply(
        &self,
        conn: &mut PgConnection,
        request: ApplyRequest<'_>,
    ) -> sqlx::Result<Vec<RowOutcome>>;
}

struct Declared<E>(std::marker::PhantomData<fn() -> E>);

impl<E> Declared<E> {
    const NEW: Self = Self(std::marker::PhantomData);
}

#[async_trait]
impl<E: Entity> EntityType for Declared<E> {
    fn name(&self) -> &'static str {
        E::TYPE
    }

    fn columns(&self) -> &'static [Column] {
        E::COLUMNS
    }

    fn key(&self) -> &'static Column {
        &E::COLUMNS[E::KEY_COLUMN]
    }

    fn key_position(&self, map: &ColumnMap) -> Option<usize> {
        map.position(E::KEY_COLUMN).or_else(|| map.position(E::ID_COLUMN))
    }

    fn check_header(&self, map: &ColumnMap, action: ActionType) -> Result<HeaderRules, String> {
        check_header::<E>(map, action)
    }

    fn relevant(&self, map: &ColumnMap, action: ActionType) -> ColumnMap {
        relevant::<E>(map, action)
    }

    fn check_row(
        &self,
        map: &ColumnMap,
        action: ActionType,
        fields: &dyn Fields,
    ) -> Result<CheckedRow, Vec<FieldProblem>> {
        check_row::<E>(map, action, fields)
    }

    async fn apply(
        &self,
        conn: &mut PgConnection,
        request: ApplyRequest<'_>,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        apply::apply::<E>(conn, &request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Examples<'a>(&'a [Column]);
    impl Fields for Examples<'_> {
        fn get(&self, position: usize) -> Option<&str> {
            self.0.get(position).map(|column| column.example)
        }
    }

    #[test]
    fn every_entity_accepts_its_own_examples_for_every_action() {
        for entity in all() {
            let columns = entity.columns();
            let map = ColumnMap::new(&(0..columns.len()).collect::<Vec<_>>(), columns.len());
            for action in ActionType::ALL {
                let map = entity.relevant(&map, action);
                assert!(entity.check_header(&map, action).is_ok(), "{} {action:?}", entity.name());
                assert!(
                    entity.check_row(&map, action, &Examples(columns)).is_ok(),
                    "{} {action:?}",
                    entity.name()
                );
            }
        }
    }

    #[test]
    fn every_entity_names_the_required_column_that_a_new_record_lacks() {
        for entity in all() {
            let columns = entity.columns();
            let map = ColumnMap::new(&(0..columns.len()).collect::<Vec<_>>(), columns.len());
            for (index, column) in columns.iter().enumerate() {
                let mut cells = columns.to_vec();
                cells[index].example = "";
                let checked = entity.check_row(&map, ActionType::BulkCreate, &Examples(&cells));
                let lacking: Vec<_> =
                    checked.err().into_iter().flatten().map(|problem| problem.column).collect();
                let expected = if column.required { vec![column.name] } else { Vec::new() };
                assert_eq!(lacking, expected, "{}", entity.name());
            }
        }
    }

    #[test]
    fn every_entity_is_found_by_its_name_and_has_an_id_and_a_required_key() {
        for entity in all() {
            assert_eq!(find(entity.name()).map(EntityType::name), Some(entity.name()));
            assert!(entity.key().required);
            assert!(entity.columns().iter().any(|column| column.name == "id"));
        }
        assert!(find("nonsense").is_none());
    }
}
