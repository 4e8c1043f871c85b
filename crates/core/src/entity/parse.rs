//! Parses a declaration. All problems are reported at once, each with its line and a remedy, because the author of a
//! declaration usually does not know this code.

mod columns;
mod reader;

pub(super) use self::reader::did_you_mean;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use self::reader::{Reader, Table};
use super::declaration::Lines;
use super::statements::Statements;
use super::{AccountColumn, AccountKind, Column, Entity, IdColumn, IdKind, Kind, Problem, Source};

/// Longest name that PostgreSQL stores, in bytes; it truncates longer ones.
const LONGEST_SQL_NAME: usize = 63;
const KEYS: [&str; 7] = ["name", "table", "account", "id", "updated_at", "key", "column"];

/// Parses the declaration in `text`; `file` is its name in problems.
///
/// # Errors
/// All problems of the declaration.
pub fn parse(file: &str, text: &str) -> Result<Entity, Vec<Problem>> {
    let mut reader = Reader::new(file, text);
    let entity = reader.document(text).and_then(|root| declaration(&mut reader, &root));
    match entity {
        Some(mut entity) if reader.problems.is_empty() => {
            entity.statements = Statements::of(&entity);
            Ok(entity)
        }
        _ => Err(reader.into_problems()),
    }
}

fn declaration(reader: &mut Reader<'_>, root: &Table<'_>) -> Option<Entity> {
    reader.only(root, "the declaration", &KEYS);
    let name = name(reader, root);
    let table = table(reader, root);
    let account = account(reader, root);
    let id = id(reader, root);
    let updated_at = updated_at(reader, root);
    let key = reader.required_text(root, "key", "the column by which a row finds its record");
    let mut columns = vec![id_column(&id, reader.line_of(root, "id"))];
    let (declared, unread) = columns::read(reader, root, key.as_deref());
    columns.extend(declared);
    // The key names a declared column with a problem, which is already reported.
    let key = key.filter(|key| !unread.contains(key));
    let key_column = key.as_deref().and_then(|key| key_column(reader, root, &columns, key));
    let taken = Taken { account: &account, updated_at: updated_at.as_deref() };
    check_sql_names(reader, &columns, &taken);
    let lines = Lines {
        table: reader.line_of(root, "table"),
        account: reader.line_of(root, "account"),
        id: reader.line_of(root, "id"),
        updated_at: reader.line_of(root, "updated_at"),
        key: reader.line_of(root, "key"),
    };
    Some(Entity {
        name: name?,
        table: table?,
        account,
        id,
        updated_at,
        columns,
        key_column: key_column?,
        source: Source {
            file: reader.file().to_owned(),
            text: reader.text().to_owned(),
            hash: Uuid::from_u128(xxh3_128(reader.text().as_bytes())),
            lines,
        },
        cleared: Vec::new(),
        statements: Statements::default(),
    })
}

/// The entity's name, which is used in URLs and in the API's description.
fn name(reader: &mut Reader<'_>, root: &Table<'_>) -> Option<String> {
    let name = reader.required_text(root, "name", "what `entityType` calls it")?;
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= LONGEST_SQL_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_plain {
        let rule = "must begin with a letter and have letters, digits, `_` and `-` only (at most 63)";
        reader.problem_at(root, "name", format!("`name` {rule}, for example \"client\""));
        return None;
    }
    Some(name)
}

fn table(reader: &mut Reader<'_>, root: &Table<'_>) -> Option<(String, String)> {
    let text =
        reader.required_text(root, "table", "the table that holds the records, as \"schema.table\"")?;
    let parts: Vec<&str> = text.split('.').collect();
    let (schema, table) = match parts[..] {
        [table] => ("public", table),
        [schema, table] => (schema, table),
        _ => ("", ""),
    };
    if !is_sql_name(schema) || !is_sql_name(table) {
        let message =
            "`table` must be \"table\" or \"schema.table\", written as in the database, without quotes";
        reader.problem_at(root, "table", message);
        return None;
    }
    Some((schema.to_owned(), table.to_owned()))
}

fn account(reader: &mut Reader<'_>, root: &Table<'_>) -> AccountColumn {
    let usual = AccountColumn { sql: "account_id".to_owned(), kind: AccountKind::Text };
    let example = "account = { column = \"tenant\", type = \"uuid\" }";
    let Some(table) = reader.table(root, "account", example) else { return usual };
    reader.only(&table, "`account`", &["column", "type"]);
    let kinds = [("text", AccountKind::Text), ("uuid", AccountKind::Uuid), ("bigint", AccountKind::Bigint)];
    AccountColumn {
        sql: reader.sql_name(&table, "column").unwrap_or(usual.sql),
        kind: reader.one_of(&table, "type", &kinds).unwrap_or(usual.kind),
    }
}

fn id(reader: &mut Reader<'_>, root: &Table<'_>) -> IdColumn {
    let usual = IdColumn { sql: "id".to_owned(), kind: IdKind::Uuid, generated: false };
    let example = "id = { column = \"client_no\", type = \"bigint\", generated = true }";
    let Some(table) = reader.table(root, "id", example) else { return usual };
    reader.only(&table, "`id`", &["column", "type", "generated"]);
    let kinds = [("uuid", IdKind::Uuid), ("bigint", IdKind::Bigint)];
    IdColumn {
        sql: reader.sql_name(&table, "column").unwrap_or(usual.sql),
        kind: reader.one_of(&table, "type", &kinds).unwrap_or(usual.kind),
        generated: reader.flag(&table, "generated").unwrap_or(usual.generated),
    }
}

/// `"column"`, or `false` for none.
fn updated_at(reader: &mut Reader<'_>, root: &Table<'_>) -> Option<String> {
    let usual = Some("updated_at".to_owned());
    match reader.value(root, "updated_at") {
        None => usual,
        Some(value) if value.as_bool() == Some(false) => None,
        Some(value) if value.as_bool() == Some(true) || value.as_str().is_none() => {
            let rule =
                "must be the name of the column that says when a record last changed, or false for none";
            reader.problem_at(root, "updated_at", format!("`updated_at` {rule}"));
            usual
        }
        Some(_) => reader.sql_name(root, "updated_at").or(usual),
    }
}

/// The id column, called `id` in files, with any name in the table.
fn id_column(id: &IdColumn, line: usize) -> Column {
    let given = id.kind == IdKind::Bigint && !id.generated;
    let rule = match (id.generated, given) {
        (true, _) => "the record's id; the database gives a new record its id",
        (false, true) => "the record's id; a new record needs one",
        (false, false) => "the record's id; a new record without one is given one",
    };
    let (kind, example) = match id.kind {
        IdKind::Uuid => (Kind::Uuid, "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11"),
        IdKind::Bigint => (Kind::Integer { range: super::Bounds::OPEN }, "1042"),
    };
    Column {
        name: "id".to_owned(),
        sql: id.sql.clone(),
        kind,
        required: given,
        rule: rule.to_owned(),
        example: example.to_owned(),
        aliases: Vec::new(),
        check: None,
        line,
    }
}

fn key_column(reader: &mut Reader<'_>, root: &Table<'_>, columns: &[Column], key: &str) -> Option<usize> {
    let place = columns.iter().skip(1).position(|column| column.name == key).map(|place| place + 1);
    let Some(place) = place else {
        let names: Vec<&str> = columns.iter().skip(1).map(|column| column.name.as_str()).collect();
        let hint = did_you_mean(key, &names);
        reader.problem_at(
            root,
            "key",
            format!("`key` names the column `{key}`, which there is none of{hint}"),
        );
        return None;
    };
    if let Kind::Decimal { .. } | Kind::Boolean | Kind::Instant = columns[place].kind {
        let kind = columns[place].kind.name().as_str();
        let message = format!(
            "`key` names a column of kind {kind}: two ways to write a value would be two keys; choose a column of \
             kind text, email, integer, uuid, date, choice, url, currency or country"
        );
        reader.problem_at(root, "key", message);
        return None;
    }
    Some(place)
}

struct Taken<'a> {
    account: &'a AccountColumn,
    updated_at: Option<&'a str>,
}

/// Checks that each column of the table is used once.
fn check_sql_names(reader: &mut Reader<'_>, columns: &[Column], taken: &Taken<'_>) {
    for (place, column) in columns.iter().enumerate() {
        let use_of = |name: &str| -> Option<String> {
            if name == taken.account.sql {
                return Some("the account column".to_owned());
            }
            if Some(name) == taken.updated_at {
                return Some("`updated_at`".to_owned());
            }
            let other = columns[..place].iter().find(|other| other.sql == name)?;
            Some(format!("the column `{}`", other.name))
        };
        if let Some(other) = use_of(&column.sql) {
            let message = format!("`{}` uses `{}` of the table, as does {other}", column.name, column.sql);
            reader.problem(column.line, format!("{message}: give one of them another `sql` or remove it"));
        }
    }
}

/// True if PostgreSQL accepts this name for a table or column.
fn is_sql_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_SQL_NAME && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
