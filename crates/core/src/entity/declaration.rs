//! What an entity declares.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;
use validator::Validate;

use super::{Cells, Column};

/// A row of a set-based statement that met a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The row's index in the slice that was given.
    pub index: usize,
    /// The record's id.
    pub id: Uuid,
}

/// The declaration of an entity; its implementor is the row type, whose `validator` rules are the entity's rules.
///
/// The statements are set-based: one round trip for all rows given. No two rows given to one statement have the same
/// id or the same key, so the order within a statement does not matter.
#[async_trait]
pub trait Entity: Validate + Clone + Send + Sync + Sized + 'static {
    /// The name in `entityType`.
    const TYPE: &'static str;
    /// The columns, in the order of the template.
    const COLUMNS: &'static [Column];
    /// Index of the column `id` in [`Self::COLUMNS`].
    const ID_COLUMN: usize;
    /// Index of the key's column in [`Self::COLUMNS`].
    const KEY_COLUMN: usize;

    /// Reads a row; a value that cannot be read is left out and remembered in `cells`.
    fn read(cells: &mut Cells<'_>) -> Self;

    /// The record's id, where the row names it.
    fn id(&self) -> Option<Uuid>;

    /// Gives a new record its id.
    fn set_id(&mut self, id: Uuid);

    /// The key, where the row has one.
    fn key(&self) -> Option<&str>;

    /// Name of the first required column without a value.
    fn missing(&self) -> Option<&'static str>;

    /// Takes over every value that a later row for the same record has.
    fn take_over(&mut self, later: &Self);

    /// Inserts rows (each complete, with its id) and returns the ids of those that met no existing record.
    async fn insert(conn: &mut PgConnection, account: &str, rows: &[&Self]) -> sqlx::Result<Vec<Uuid>>;

    /// Changes the records with the rows' ids, key included; values that a row lacks stay.
    async fn update_by_id(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>>;

    /// Changes the records with the rows' keys; values that a row lacks stay.
    async fn update_by_key(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>>;

    /// Removes the records with the rows' ids.
    async fn delete_by_id(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>>;

    /// Removes the records with the rows' keys.
    async fn delete_by_key(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>>;

    /// Finds the records with the rows' keys.
    async fn find_by_key(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>>;
}

/// From the `WITH ORDINALITY` of a statement (which counts from 1) and the record's id.
#[must_use]
pub(super) fn matched(ordinality: i64, id: Uuid) -> Matched {
    Matched { index: usize::try_from(ordinality - 1).unwrap_or_default(), id }
}
