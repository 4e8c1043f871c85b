//! What follows from the fields of a row type, and the shape that its statements share. An entity's file names the
//! fields and writes the SQL; [`record!`] writes the rest, so that no entity can get it wrong in its own way.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of a set-based statement that met a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The row's index in the slice that was given.
    pub index: usize,
    /// The record's id.
    pub id: Uuid,
}

/// A row type: an `Option` for each column. Implemented by [`record!`].
///
/// The statements are set-based: one round trip for all rows given. No two rows given to one statement have the same
/// id or the same key, so the order within a statement does not matter.
#[async_trait]
pub trait Record: Clone + Send + Sync + Sized + 'static {
    /// The fields, in the order of the entity's columns.
    const FIELDS: &'static [&'static str];

    /// The record's id, where the row names it.
    fn id(&self) -> Option<Uuid>;

    /// Gives a new record its id.
    fn set_id(&mut self, id: Uuid);

    /// The key, where the row has one.
    fn key(&self) -> Option<&str>;

    /// Whether the row has a value in a column.
    fn has(&self, column: usize) -> bool;

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

/// From the `WITH ORDINALITY` of a statement (which counts from 1) and the records' ids.
#[must_use]
pub(super) fn matched(ordinalities: Option<Vec<i64>>, ids: Option<Vec<Uuid>>) -> Vec<Matched> {
    let rows = ordinalities.unwrap_or_default().into_iter().zip(ids.unwrap_or_default());
    rows.map(|(ord, id)| Matched { index: usize::try_from(ord - 1).unwrap_or_default(), id }).collect()
}

/// Implements [`Record`] for a row type.
///
/// Each statement lists the fields that go to it; they become one array each, as `unnest` takes them: `$2`, `$3`, ….
/// `$1` is the account. `insert` returns the new ids, the others return `ord` and `id` ([`matched`]). They come back as
/// arrays in one row, because an answer of ten thousand rows is dear to read. The SQL is checked against the schema when it
/// is compiled, as that of every `sqlx::query!`.
macro_rules! record {
    (
        $record:ident { $($field:ident),+ $(,)? } with key $key:ident;
        insert($($inserted:ident),+): $insert:literal
        $($statement:ident($($given:ident),+): $sql:literal)+
    ) => {
        #[::async_trait::async_trait]
        impl $crate::entity::record::Record for $record {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn id(&self) -> Option<::uuid::Uuid> {
                self.id
            }

            fn set_id(&mut self, id: ::uuid::Uuid) {
                self.id = Some(id);
            }

            fn key(&self) -> Option<&str> {
                self.$key.as_deref()
            }

            fn has(&self, column: usize) -> bool {
                [$(self.$field.is_some()),+].get(column).is_some_and(|has| *has)
            }

            fn take_over(&mut self, later: &Self) {
                $(if later.$field.is_some() {
                    self.$field.clone_from(&later.$field);
                })+
            }

            async fn insert(
                conn: &mut ::sqlx::PgConnection,
                account: &str,
                rows: &[&Self],
            ) -> ::sqlx::Result<Vec<::uuid::Uuid>> {
                $(let $inserted: Vec<_> = rows.iter().map(|row| row.$inserted.as_ref()).collect();)+
                let answer = ::sqlx::query_scalar!(
                    "WITH answer AS (" + $insert + ") SELECT array_agg(id) FROM answer",
                    account,
                    $(&$inserted as _),+
                );
                Ok(answer.fetch_one(conn).await?.unwrap_or_default())
            }

            $(async fn $statement(
                conn: &mut ::sqlx::PgConnection,
                account: &str,
                rows: &[&Self],
            ) -> ::sqlx::Result<Vec<$crate::entity::record::Matched>> {
                $(let $given: Vec<_> = rows.iter().map(|row| row.$given.as_ref()).collect();)+
                let answer = ::sqlx::query!(
                    "WITH answer AS (" + $sql + ") SELECT array_agg(ord) AS ords, array_agg(id) AS ids FROM answer",
                    account,
                    $(&$given as _),+
                );
                let row = answer.fetch_one(conn).await?;
                Ok($crate::entity::record::matched(row.ords, row.ids))
            })+
        }
    };
}
pub(super) use record;
