//! Reads values from a TOML document and records problems with their lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::Problem;
use super::is_sql_name;

/// Least similarity (Jaro-Winkler) for suggesting a known name instead of an unknown one.
const SIMILAR_ENOUGH: f64 = 0.75;

/// A table of the document with its first line.
pub(super) struct Table<'i> {
    pub entries: DeTable<'i>,
    pub line: usize,
}

/// The document's text and the problems found so far.
pub(super) struct Reader<'t> {
    file: &'t str,
    text: &'t str,
    pub problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    pub(crate) fn file(&self) -> &'t str {
        self.file
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// The whole document; `None` if it is not valid TOML.
    pub(crate) fn document(&mut self, text: &'t str) -> Option<Table<'t>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(1, |span| self.line_at(span.start));
            self.problem(line, format!("this is not TOML: {}", error.message().trim_end()));
        }
        errors.is_empty().then(|| Table { entries: root.into_inner(), line: 1 })
    }

    /// The problems, ordered by line.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    pub(crate) fn line_at(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
    }

    /// Line of a key in a table, or of the table if it lacks the key.
    pub(crate) fn line_of(&self, table: &Table<'_>, key: &str) -> usize {
        let entry = table.entries.iter().find(|(name, _)| name.get_ref() == key);
        entry.map_or(table.line, |(name, _)| self.line_at(name.span().start))
    }

    pub(crate) fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem::new(self.file, line, message));
    }

    pub(crate) fn problem_at(&mut self, table: &Table<'_>, key: &str, message: impl Into<String>) {
        self.problem(self.line_of(table, key), message);
    }

    /// Records a problem for every key that is not `known`.
    pub(crate) fn only(&mut self, table: &Table<'_>, shown: &str, known: &[&str]) {
        for key in table.entries.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let hint = match did_you_mean(name, known) {
                hint if hint.is_empty() => format!("; it has {}", known.join(", ")),
                hint => hint,
            };
            self.problem(self.line_at(key.span().start), format!("{shown} has no `{name}`{hint}"));
        }
    }

    pub(crate) fn value<'a, 'i>(&self, table: &'a Table<'i>, key: &str) -> Option<&'a DeValue<'i>> {
        table.entries.get(key).map(Spanned::get_ref)
    }

    /// A non-empty text.
    pub(crate) fn text_of(&mut self, table: &Table<'_>, key: &str) -> Option<String> {
        let text = self.value(table, key)?.as_str().map(str::to_owned);
        let text = text.filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.problem_at(table, key, format!("`{key}` must be a text in quotes, and not empty"));
        }
        text
    }

    pub(crate) fn required_text(&mut self, table: &Table<'_>, key: &str, meaning: &str) -> Option<String> {
        if self.value(table, key).is_none() {
            self.problem(table.line, format!("`{key}` is missing: {meaning}"));
            return None;
        }
        self.text_of(table, key)
    }

    /// An SQL identifier.
    pub(crate) fn sql_name(&mut self, table: &Table<'_>, key: &str) -> Option<String> {
        let name = self.text_of(table, key)?;
        if is_sql_name(&name) {
            return Some(name);
        }
        let rule = "must be a name as the database has it, of at most 63 bytes";
        self.problem_at(table, key, format!("`{key}` {rule}"));
        None
    }

    pub(crate) fn flag(&mut self, table: &Table<'_>, key: &str) -> Option<bool> {
        let value = self.value(table, key)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.problem_at(table, key, format!("`{key}` must be true or false, without quotes"));
        }
        flag
    }

    /// One of several names.
    pub(crate) fn one_of<T: Copy>(&mut self, table: &Table<'_>, key: &str, known: &[(&str, T)]) -> Option<T> {
        let name = self.text_of(table, key)?;
        let found = known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let hint = did_you_mean(&name, &names);
            self.problem_at(
                table,
                key,
                format!("`{key}` is `{name}`, which is none of {}{hint}", names.join(", ")),
            );
        }
        found
    }

    /// A nested table; `example` shows its form in problems.
    pub(crate) fn table<'i>(&mut self, table: &Table<'i>, key: &str, example: &str) -> Option<Table<'i>> {
        let value = self.value(table, key)?;
        if let Some(entries) = value.as_table() {
            return Some(Table { entries: entries.clone(), line: self.line_of(table, key) });
        }
        self.problem_at(table, key, format!("`{key}` must be a table: {example}"));
        None
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, table: &Table<'_>, key: &str) -> Option<Vec<String>> {
        let value = self.value(table, key)?;
        let texts: Option<Vec<String>> = value.as_array().and_then(|items| {
            let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            items.iter().map(|item| text(item).filter(|text| !text.trim().is_empty())).collect()
        });
        if texts.is_none() {
            self.problem_at(table, key, format!("`{key}` must be a list of texts: [\"one\", \"another\"]"));
        }
        texts
    }
}

/// The suffix `; did you mean …?` if a known name is similar, otherwise empty.
pub(in super::super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    let similarity = |known: &&str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let likeness = known.iter().map(|known| (similarity(known), *known));
    let closest = likeness.max_by(|left, right| left.0.total_cmp(&right.0));
    match closest {
        Some((likeness, known)) if likeness >= SIMILAR_ENOUGH => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}
