//! An entity: what a declaration says, checked, with the statements that follow from it.

use csv_intake::header::{self, HeaderProblem, Known, Mapping, Resolved};
use uuid::Uuid;

use super::statements::Statements;
use super::{Column, ColumnMap, RecordId, Row, Value};
use crate::action::Intake;
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
    /// The id first, then the declared ones.
    pub(super) columns: Vec<Column>,
    pub(super) key_column: usize,
    pub(super) source: Source,
    /// Indexes of columns whose stored value goes where a row has none, instead of staying.
    pub(super) cleared: Vec<usize>,
    pub(super) statements: Statements,
}

/// The file that a declaration was read from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, for messages.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Hash of the text: declarations with the same hash are the same.
    pub hash: Uuid,
    /// Lines of the keys that the database is compared with.
    pub(super) lines: Lines,
}

/// Where a declaration says what, by line from 1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lines {
    pub table: usize,
    pub account: usize,
    pub id: usize,
    pub updated_at: usize,
    pub key: usize,
}

/// The column that says whose a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountColumn {
    /// Its name in the table.
    pub sql: String,
    /// What it holds.
    pub kind: AccountKind,
}

/// What an account column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Account ids as they are.
    Text,
    /// Account ids that are UUIDs.
    Uuid,
    /// Account ids that are whole numbers.
    Bigint,
}

/// An account's id as the account column holds it.
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

/// The column with the records' ids; in files it is called `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdColumn {
    /// Its name in the table.
    pub sql: String,
    /// What it holds.
    pub kind: IdKind,
    /// The database gives a new record its id. Otherwise the platform does where it is a UUID, and the row where it is a number.
    pub generated: bool,
}

/// What an id column holds.
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

    /// Its columns, in the order of the template; the first is `id`.
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

    /// The column that says whose a record is.
    #[must_use]
    pub fn account(&self) -> &AccountColumn {
        &self.account
    }

    /// The column with the ids.
    #[must_use]
    pub fn id(&self) -> &IdColumn {
        &self.id
    }

    /// The statements that work on its table.
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

    /// The account's id as the account column holds it.
    ///
    /// # Errors
    /// A sentence, where it cannot be of the column's type: such an account has no records here.
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

    /// Its columns, by the names that a header may have for them.
    #[must_use]
    pub fn known(&self) -> Vec<Known<'_>> {
        self.columns.iter().map(|column| Known { name: &column.name, aliases: &column.aliases }).collect()
    }

    /// What each column of a file with this header stands for.
    ///
    /// # Errors
    /// Everything that is wrong with the header, the mapping or the defaults.
    pub fn resolve(
        &self,
        header: &[String],
        mapping: &Mapping,
        intake: &Intake,
    ) -> Result<Resolved, Vec<HeaderProblem>> {
        header::resolve(header, &intake.wanted(mapping, &self.known()))
    }

    /// Where a file with this header has the entity's columns.
    ///
    /// # Errors
    /// Everything that is wrong with the header, the mapping or the defaults.
    pub fn map_columns(
        &self,
        header: &[String],
        mapping: &Mapping,
        intake: &Intake,
    ) -> Result<ColumnMap, Vec<HeaderProblem>> {
        let resolved = self.resolve(header, mapping, intake)?;
        Ok(ColumnMap::resolved(&resolved, self.columns.len(), intake))
    }

    /// The same entity for a file in which empty cells remove stored values; none if they do not. Required columns are left
    /// out: the check refuses a row that would clear one.
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

    /// Position in an uploaded file of what a person would call a row's key: the key itself, else the id.
    #[must_use]
    pub fn key_position(&self, map: &ColumnMap) -> Option<usize> {
        map.position(self.key_column).or_else(|| map.position(Self::ID_COLUMN))
    }

    /// The value that a cell of a column means, if it is not empty, checked against every rule of the column.
    ///
    /// # Errors
    /// A sentence to be read after the column's name.
    pub(super) fn read(
        &self,
        column: usize,
        cell: &str,
        settings: &ReadSettings,
    ) -> Result<Option<Value>, String> {
        if cell.is_empty() {
            return Ok(None);
        }
        let declared = &self.columns[column];
        let value = declared.kind.read(cell, settings)?;
        if let (Some(value), Some(check)) = (&value, declared.check) {
            check(value)?;
        }
        if let (Some(Value::Text(text)), true) = (&value, column == self.key_column) {
            value::key(text)?;
        }
        Ok(value)
    }

    /// A new id, where the platform gives it. Version 7 grows, so that inserts go to the end of the primary key's index.
    pub(super) fn with_id(&self, row: &Row) -> Row {
        let mut row = row.clone();
        if row.id().is_none() && self.id.kind == IdKind::Uuid && !self.id.generated {
            row.set_id(RecordId::Uuid(Uuid::now_v7()));
        }
        row
    }
}

/// A name as SQL: in quotes, so that it is taken as it is.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
