//! An entity: a checked declaration with the statements derived from it.

use csv_intake::header::Known;
use uuid::Uuid;

use super::statements::Statements;
use super::{Column, ColumnMap, Row, Value};
use crate::chunk::RecordId;
use crate::value::{self, ReadSettings};

/// A kind of record that can be uploaded.
#[derive(Debug, Clone)]
pub struct Entity {
    pub(super) name: String,
    /// Schema and name.
    pub(super) table: (String, String),
    pub(super) account: AccountColumn,
    pub(super) id: IdColumn,
    pub(super) updated_at: Option<String>,
    /// The id first, then the declared columns.
    pub(super) columns: Vec<Column>,
    pub(super) key_column: usize,
    pub(super) source: Source,
    /// Indexes of columns whose stored value is removed by an empty cell instead of kept.
    pub(super) cleared: Vec<usize>,
    pub(super) statements: Statements,
}

/// File that a declaration was read from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name, for messages.
    pub file: String,
    /// Text of the file.
    pub text: String,
    /// Hash of the text; declarations with equal hashes are equal.
    pub hash: Uuid,
    /// Lines of the keys that are compared with the database.
    pub(super) lines: Lines,
}

/// Lines of the declaration's keys, from 1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lines {
    pub table: usize,
    pub account: usize,
    pub id: usize,
    pub updated_at: usize,
    pub key: usize,
}

/// The column with the owner of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountColumn {
    /// Name in the table.
    pub sql: String,
    /// Type of its values.
    pub kind: AccountKind,
}

/// Type of an account column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Account ids as text.
    Text,
    /// Account ids that are UUIDs.
    Uuid,
    /// Account ids that are whole numbers.
    Bigint,
}

/// An account id in the type of the account column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountId {
    /// Text.
    Text(String),
    /// A UUID.
    Uuid(Uuid),
    /// A whole number.
    Bigint(i64),
}

impl AccountKind {
    /// PostgreSQL's type.
    #[must_use]
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Bigint => "int8",
        }
    }
}

/// The column with the records' ids, called `id` in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdColumn {
    /// Name in the table.
    pub sql: String,
    /// Type of its values.
    pub kind: IdKind,
    /// True if the database generates the id of a new record. Otherwise the platform generates UUIDs, and numbers come
    /// from the row.
    pub generated: bool,
}

/// Type of an id column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// UUIDs.
    Uuid,
    /// Whole numbers.
    Bigint,
}

impl IdKind {
    /// PostgreSQL's type.
    #[must_use]
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Bigint => "int8",
        }
    }
}

impl Entity {
    /// Index of the column `id` in [`Self::columns`].
    pub const ID_COLUMN: usize = 0;

    /// The name in `entityType`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Columns in the order of the template; the first is `id`.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The key's column.
    #[must_use]
    pub fn key(&self) -> &Column {
        &self.columns[self.key_column]
    }

    /// Index of the key in [`Self::columns`].
    #[must_use]
    pub fn key_column(&self) -> usize {
        self.key_column
    }

    /// The file that declares it.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The column with the owner of a record.
    #[must_use]
    pub fn account(&self) -> &AccountColumn {
        &self.account
    }

    /// The column with the ids.
    #[must_use]
    pub fn id(&self) -> &IdColumn {
        &self.id
    }

    /// The statements for its table.
    #[must_use]
    pub fn statements(&self) -> &Statements {
        &self.statements
    }

    /// The table's schema and name.
    #[must_use]
    pub fn table(&self) -> (&str, &str) {
        (&self.table.0, &self.table.1)
    }

    /// The table's name as SQL.
    #[must_use]
    pub fn table_sql(&self) -> String {
        format!("{}.{}", quoted(&self.table.0), quoted(&self.table.1))
    }

    /// The account id in the type of the account column.
    ///
    /// # Errors
    /// A sentence, if the id is not a value of that type: such an account has no records here.
    pub fn account_id(&self, account: &str) -> Result<AccountId, String> {
        let id = match self.account.kind {
            AccountKind::Text => Some(AccountId::Text(account.to_owned())),
            AccountKind::Uuid => account.parse().ok().map(AccountId::Uuid),
            AccountKind::Bigint => account.parse().ok().map(AccountId::Bigint),
        };
        let wanted = if self.account.kind == AccountKind::Uuid { "a UUID" } else { "a whole number" };
        id.ok_or_else(|| {
            format!("this account has no {} records: their accounts are known by {wanted}", self.name)
        })
    }

    /// The columns with all names that a header may use for them.
    #[must_use]
    pub fn known(&self) -> Vec<Known<'_>> {
        self.columns.iter().map(|column| Known { name: &column.name, aliases: &column.aliases }).collect()
    }

    /// The entity for a file in which empty cells remove stored values; `None` if they do not. Required columns are
    /// excluded: the check refuses a row that would clear one.
    #[must_use]
    pub(super) fn clearing(&self, map: &ColumnMap) -> Option<Self> {
        let may_go = |&index: &usize| {
            index != Self::ID_COLUMN
                && index != self.key_column
                && !self.columns[index].required
                && map.clears(index)
        };
        let cleared: Vec<usize> = (0..self.columns.len()).filter(may_go).collect();
        if cleared.is_empty() {
            return None;
        }
        let mut entity = Self { cleared, statements: Statements::default(), ..self.clone() };
        entity.statements = Statements::of(&entity);
        Some(entity)
    }

    /// Uploaded position of the column that identifies a row to a person: the key, otherwise the id.
    #[must_use]
    pub fn key_position(&self, map: &ColumnMap) -> Option<usize> {
        map.position(self.key_column).or_else(|| map.position(Self::ID_COLUMN))
    }

    /// Parses a cell of a column and checks it against every rule; `None` for an empty cell.
    ///
    /// # Errors
    /// A sentence to be read after the column's name.
    pub(super) fn read(
        &self,
        column: usize,
        cell: &str,
        settings: &ReadSettings,
    ) -> Result<Option<Value>, String> {
        let declared = &self.columns[column];
        let value = declared.kind.read(cell, settings).map_err(|problem| match column {
            Self::ID_COLUMN => {
                format!("{problem} (where it is the id of another program, map the column to null)")
            }
            _ => problem,
        })?;
        if let (Some(value), Some(check)) = (&value, declared.check) {
            check(value)?;
        }
        if let (Some(Value::Text(text)), true) = (&value, column == self.key_column) {
            value::key(text)?;
        }
        Ok(value)
    }

    /// The row with an id, generated here if the platform provides ids. Version 7 UUIDs ascend, so inserts go to the
    /// end of the primary key's index.
    pub(super) fn with_id(&self, row: &Row) -> Row {
        let mut row = row.clone();
        if row.id().is_none() && self.id.kind == IdKind::Uuid && !self.id.generated {
            row.set_id(RecordId::Uuid(Uuid::now_v7()));
        }
        row
    }
}

/// A name quoted as an SQL identifier.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
