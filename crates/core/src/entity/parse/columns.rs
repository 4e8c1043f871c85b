//! Parses the `[[column]]` tables of a declaration.

use regex::RegexBuilder;
use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::DeValue;

use super::super::{Bounds, Column, ColumnKind, Kind, check};
use super::reader::{Reader, Table, did_you_mean};
use crate::value::ReadSettings;

/// Reserved names: columns that a download of results adds.
const RESERVED: [&str; 4] = ["_row", "_status", "_reason", "_id"];
/// Longest name of a column, in characters.
const LONGEST_NAME: usize = 64;
/// Default number of digits after the decimal point.
const USUAL_SCALE: u32 = 2;
/// Most digits after the decimal point. With the 15 before it they fit into the decimal type.
const MOST_SCALE: u32 = 12;
/// Size limit of a compiled pattern, in bytes.
const PATTERN_SIZE_LIMIT: usize = 1024 * 1024;
pub(super) const KEYS: [&str; 15] = [
    "name", "sql", "kind", "required", "rule", "example", "aliases", "check", "length", "trim", "lower",
    "pattern", "range", "scale", "choices",
];

/// The declared columns, and the names of those that cannot be read, each with its problems.
pub(super) fn read(
    reader: &mut Reader<'_>,
    root: &Table<'_>,
    key: Option<&str>,
) -> (Vec<Column>, Vec<String>) {
    let tables: Vec<Table<'_>> = match reader.value(root, "column") {
        None => Vec::new(),
        Some(value) => {
            let items = value.as_array().into_iter().flatten();
            items.filter_map(|item| table_of(reader, item)).collect()
        }
    };
    if tables.is_empty() {
        reader.problem_at(root, "column", "there is no column: each is a [[column]] with `name` and `kind`");
    }
    let (mut columns, mut unread) = (Vec::<Column>::new(), Vec::new());
    for table in tables {
        if let Some(column) = column(reader, &table, key) {
            check_names(reader, &table, &columns, &column);
            columns.push(column);
        } else {
            unread.extend(reader.value(&table, "name").and_then(DeValue::as_str).map(str::to_owned));
        }
    }
    (columns, unread)
}

/// The table of a column; its line is the one of its first key.
fn table_of<'i>(reader: &Reader<'_>, item: &Spanned<DeValue<'i>>) -> Option<Table<'i>> {
    let entries = item.get_ref().as_table()?.clone();
    let first = entries.keys().map(|key| key.span().start).min();
    Some(Table { entries, line: reader.line_at(first.unwrap_or(item.span().start)) })
}

fn column(reader: &mut Reader<'_>, table: &Table<'_>, key: Option<&str>) -> Option<Column> {
    reader.only(table, "a column", &KEYS);
    let name = reader.required_text(table, "name", "what files and answers call the column");
    let kinds = ColumnKind::ALL.map(|kind| (kind.as_str(), kind));
    if reader.value(table, "kind").is_none() {
        let names: Vec<&str> = ColumnKind::ALL.iter().map(|kind| kind.as_str()).collect();
        reader.problem(table.line, format!("`kind` is missing: one of {}", names.join(", ")));
    }
    let kind = reader.one_of(table, "kind", &kinds).and_then(|kind| rules(reader, table, kind));
    let sql = reader.sql_name(table, "sql");
    let required = reader.flag(table, "required");
    let rule = reader.text_of(table, "rule");
    let example = reader.text_of(table, "example");
    let aliases = reader.texts(table, "aliases").unwrap_or_default();
    let check = named_check(reader, table);
    let (name, kind) = (name?, kind?);
    let is_key = key == Some(name.as_str());
    if is_key && required == Some(false) {
        reader.problem_at(table, "required", "the key cannot be optional: remove `required = false`");
    }
    let derived = if is_key { format!("{}; the key", kind.rule()) } else { kind.rule() };
    let mut column = Column {
        sql: sql.unwrap_or_else(|| snake_case(&name)),
        rule: rule.unwrap_or(derived),
        example: String::new(),
        name,
        kind,
        required: is_key || required.unwrap_or(false),
        aliases,
        check,
        line: table.line,
    };
    column.example = the_example(reader, table, &column, example);
    Some(column)
}

/// The declared example, or one derived from the kind. It must satisfy the column's own rules.
fn the_example(reader: &mut Reader<'_>, table: &Table<'_>, column: &Column, given: Option<String>) -> String {
    let line = reader.line_of(table, "example");
    let Some(example) = given.or_else(|| column.kind.example()) else {
        reader.problem(line, "`example` is missing: a pattern alone does not tell a value that matches it");
        return String::new();
    };
    let read = column.kind.read(&example, &ReadSettings::default());
    let checked = read.and_then(|value| match (value, column.check) {
        (Some(value), Some(check)) => check(&value),
        (Some(_), None) => Ok(()),
        (None, _) => Err("is empty".to_owned()),
    });
    if let Err(sentence) = checked {
        reader.problem(line, format!("the example of `{}` breaks its own rule: it {sentence}", column.name));
    }
    example
}

fn check_names(reader: &mut Reader<'_>, table: &Table<'_>, before: &[Column], column: &Column) {
    let name = &column.name;
    let fits =
        name.trim() == name && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if !fits {
        let rule = "must have at most 64 characters, none of them invisible, and no white space at its ends";
        reader.problem_at(table, "name", format!("`name` {rule}"));
    }
    if name.eq_ignore_ascii_case("id") {
        let message =
            "`id` is every entity's first column: declare it as `id = { column = …, type = … }` at the top";
        reader.problem_at(table, "name", message);
    }
    if RESERVED.contains(&name.to_lowercase().as_str()) {
        reader.problem_at(table, "name", format!("`{name}` is a column of results: choose another name"));
    }
    let names = |column: &Column| -> Vec<String> {
        std::iter::once(&column.name).chain(&column.aliases).map(|name| name.trim().to_lowercase()).collect()
    };
    for other in before {
        let theirs = names(other);
        for shared in names(column).iter().filter(|name| theirs.contains(name)) {
            let message = format!(
                "`{shared}` is a name of the column `{}` already: files could mean either",
                other.name
            );
            reader.problem_at(
                table,
                if *shared == name.to_lowercase() { "name" } else { "aliases" },
                message,
            );
        }
    }
}

fn named_check(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<check::Check> {
    let name = reader.text_of(table, "check")?;
    let found = check::find(&name);
    if found.is_none() {
        let known = check::CHECKS.map(|(known, _)| known);
        let hint = did_you_mean(&name, &known);
        let message = format!("there is no rule `{name}`; there are {}{hint}", known.join(", "));
        reader.problem_at(table, "check", message);
    }
    found
}

/// The kind with its rules. Rules that belong to other kinds are problems.
fn rules(reader: &mut Reader<'_>, table: &Table<'_>, kind: ColumnKind) -> Option<Kind> {
    let own: &[&str] = match kind {
        ColumnKind::Text => &["length", "trim", "lower", "pattern"],
        ColumnKind::Integer => &["range"],
        ColumnKind::Decimal => &["range", "scale"],
        ColumnKind::Choice => &["choices"],
        _ => &[],
    };
    for foreign in ["length", "trim", "lower", "pattern", "range", "scale", "choices"] {
        if !own.contains(&foreign) && reader.value(table, foreign).is_some() {
            let hint = if foreign == "choices" { "; use kind = \"choice\"" } else { "; remove it" };
            let message = format!("`{foreign}` is no rule of kind {}{hint}", kind.as_str());
            reader.problem_at(table, foreign, message);
        }
    }
    Some(match kind {
        ColumnKind::Text => Kind::Text {
            trim: reader.flag(table, "trim").unwrap_or(true),
            lower: reader.flag(table, "lower").unwrap_or(false),
            length: bounds(reader, table, "length", "[1, 255]", whole::<u64>),
            pattern: pattern(reader, table),
        },
        ColumnKind::Email => Kind::Email,
        ColumnKind::Url => Kind::Url,
        ColumnKind::Integer => {
            Kind::Integer { range: bounds(reader, table, "range", "[0, 150] or [0, inf]", whole::<i64>) }
        }
        ColumnKind::Decimal => Kind::Decimal {
            scale: scale(reader, table),
            range: bounds(reader, table, "range", "[0, 99.5] or [0, inf]", decimal),
        },
        ColumnKind::Boolean => Kind::Boolean,
        ColumnKind::Date => Kind::Date,
        ColumnKind::Instant => Kind::Instant,
        ColumnKind::Choice => Kind::Choice { choices: choices(reader, table)? },
        ColumnKind::Currency => Kind::Currency,
        ColumnKind::Country => Kind::Country,
        ColumnKind::Uuid => Kind::Uuid,
    })
}

fn choices(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<Vec<String>> {
    if reader.value(table, "choices").is_none() {
        reader
            .problem(table.line, "`choices` is missing: the values that a cell may have, as [\"a\", \"b\"]");
        return None;
    }
    let choices = reader.texts(table, "choices")?;
    let is_repeated = choices.iter().enumerate().any(|(place, choice)| choices[..place].contains(choice));
    if choices.is_empty() || is_repeated {
        reader.problem_at(table, "choices", "`choices` must name at least one value, each once");
        return None;
    }
    Some(choices)
}

fn pattern(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<regex::Regex> {
    let pattern = reader.text_of(table, "pattern")?;
    // The value must match as a whole, so anchors are added. The pattern must also compile alone: a stray parenthesis
    // could otherwise change the meaning of the anchors.
    let alone = RegexBuilder::new(&pattern).size_limit(PATTERN_SIZE_LIMIT).build();
    let whole = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(PATTERN_SIZE_LIMIT).build();
    match alone.and(whole) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            reader.problem_at(table, "pattern", format!("`pattern` is no regular expression: {reason}"));
            None
        }
    }
}

fn scale(reader: &mut Reader<'_>, table: &Table<'_>) -> u32 {
    let Some(value) = reader.value(table, "scale") else { return USUAL_SCALE };
    match value.as_integer().and_then(|number| number.as_str().parse().ok()) {
        Some(scale) if scale <= MOST_SCALE => scale,
        _ => {
            let message = format!("`scale` must be the digits after the point, from 0 to {MOST_SCALE}");
            reader.problem_at(table, "scale", message);
            USUAL_SCALE
        }
    }
}

/// `[min, max]`, where `inf` and `-inf` leave an end open.
fn bounds<T: PartialOrd + Copy>(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    key: &str,
    example: &str,
    read: fn(&DeValue<'_>) -> Option<T>,
) -> Bounds<T> {
    let Some(value) = reader.value(table, key) else { return Bounds::OPEN };
    let bound = |value: &Spanned<DeValue<'_>>| match open_end(value.get_ref()) {
        Some(sign) => Some((Some(sign), None)),
        None => read(value.get_ref()).map(|bound| (None, Some(bound))),
    };
    let ends: Option<Vec<_>> = value.as_array().and_then(|items| items.iter().map(bound).collect());
    let bounds = match ends.as_deref() {
        Some([(None | Some('-'), min), (None | Some('+'), max)]) => Some(Bounds { min: *min, max: *max }),
        _ => None,
    };
    match bounds {
        Some(Bounds { min: Some(min), max: Some(max) }) if min > max => {
            reader.problem_at(
                table,
                key,
                format!("`{key}` ends before it begins: the lesser value comes first"),
            );
            Bounds::OPEN
        }
        Some(bounds) => bounds,
        None => {
            reader.problem_at(table, key, format!("`{key}` must be a least and a greatest value: {example}"));
            Bounds::OPEN
        }
    }
}

/// The sign of an infinite number.
fn open_end(value: &DeValue<'_>) -> Option<char> {
    match value.as_float()?.as_str() {
        "inf" | "+inf" => Some('+'),
        "-inf" => Some('-'),
        _ => None,
    }
}

fn whole<T: std::str::FromStr>(value: &DeValue<'_>) -> Option<T> {
    value.as_integer().filter(|number| number.radix() == 10).and_then(|number| number.as_str().parse().ok())
}

fn decimal(value: &DeValue<'_>) -> Option<Decimal> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    Decimal::from_str_exact(text).ok()
}

/// `full_name` for `fullName`, `e_mail` for `E-Mail`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = character.is_lowercase() || character.is_ascii_digit();
        if character.is_alphanumeric() {
            snake.extend(character.to_lowercase());
        } else {
            snake.push('_');
        }
    }
    snake
}
