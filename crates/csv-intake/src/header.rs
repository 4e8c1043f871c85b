//! Maps an uploaded header to an entity's columns, once per file, so that rows are read by index. All problems are
//! reported at once, because each attempt costs the user an upload.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

mod likeness;

use likeness::{COMPARED_NAMES, advice, comparable, most_similar, shown};
pub use likeness::{Suggestion, suggest};

/// Maximum number of problems reported in full; for a file that is not CSV the response would otherwise contain the
/// whole file.
const MAX_PROBLEMS: usize = 50;

/// Columns that a download adds. They are ignored, so that a download can be repaired and uploaded again.
pub const OWN_COLUMNS: [&str; 4] = ["_row", "_status", "_reason", "_id"];

const LEAVE_OUT: &str = "map it (`mapping`), or leave it out: mapped to null, or all unknown ones by \
                         unknownColumns=ignore";

/// Maps an uploaded header, or a position such as `#3`, to a column, or to `None` to ignore it.
pub type Mapping = BTreeMap<String, Option<String>>;

/// A column that an uploaded one may be mapped to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Name.
    pub name: &'a str,
    /// Alternative names.
    pub aliases: &'a [String],
}

/// Handling of columns that are neither mapped nor known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownColumns {
    /// Refuse the file, since such a column may be a mistyped one.
    #[default]
    Refuse,
    /// Ignore the columns.
    Ignore,
}

impl UnknownColumns {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Refuse, Self::Ignore];

    /// The name used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Ignore => "ignore",
        }
    }

    /// The choice called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }
}

/// Options for resolving a header.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The known columns.
    pub known: &'a [Known<'a>],
    /// The uploader's mapping.
    pub mapping: &'a Mapping,
    /// Handling of unknown columns.
    pub unknown_columns: UnknownColumns,
    /// Values for columns that the file does not have, applied to every row.
    pub defaults: &'a BTreeMap<String, String>,
}

/// Resolved columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// For each uploaded column the index of the known one, or `None` if it is ignored.
    pub columns: Vec<Option<usize>>,
    /// Indexes of unnamed columns. They are ignored, provided that they have no value in any row.
    pub nameless: Vec<usize>,
    /// Indexes of unknown columns, which are refused or ignored.
    pub unknown: Vec<usize>,
    /// Known columns with a default value for every row.
    pub defaults: Vec<(usize, String)>,
}

impl Resolved {
    /// Pairs of an uploaded column's index and the index of its known column, without ignored columns.
    pub fn used(&self) -> impl Iterator<Item = (usize, usize)> {
        self.columns.iter().enumerate().filter_map(|(index, column)| Some((index, (*column)?)))
    }
}

/// A problem of the header, the mapping or the defaults, for which the file is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderProblem {
    /// Name of the uploaded column, shortened for display; empty if it has none.
    pub column: String,
    /// Message that says what would be valid.
    pub message: String,
}

impl HeaderProblem {
    /// The problem of an unnamed column (index from 0) that has values in some rows.
    #[must_use]
    pub fn nameless(index: usize) -> Self {
        let position = index + 1;
        let message = format!(
            "column {position} has values but no name: name it in the header line, map it by its position (`#{position}`), \
             or leave it out: `#{position}` mapped to null, or unknownColumns=ignore"
        );
        HeaderProblem { column: String::new(), message }
    }
}

/// Resolves each uploaded column, as far as that is possible, and returns all problems: unknown names, two columns for
/// one, mappings from or to columns that do not exist, defaults for columns that the file has.
///
/// Names are compared without surrounding white space and invisible characters, and without case. The mapping takes
/// precedence, then the columns' own names, then their aliases.
#[must_use]
pub fn examine(header: &[String], wanted: &Wanted<'_>) -> (Resolved, Vec<HeaderProblem>) {
    let mut resolution = Resolution {
        wanted,
        by_name: by_name(wanted.known),
        by_key: HashMap::new(),
        by_target: HashMap::new(),
        nameless: Vec::new(),
        unknown: Vec::new(),
        problems: Problems::default(),
    };
    resolution.take_mapping();
    let mut columns: Vec<_> =
        header.iter().enumerate().map(|(index, name)| resolution.column(index, name)).collect();
    resolution.settle_conflicts(header, &mut columns);
    resolution.report_unknown(header);
    resolution.report_unused_mappings(header);
    let defaults = resolution.defaults();
    let Resolution { nameless, unknown, problems, .. } = resolution;
    (Resolved { columns, nameless, unknown, defaults }, problems.into_list())
}

struct Resolution<'a> {
    wanted: &'a Wanted<'a>,
    /// Known column by the comparable form of its names and aliases.
    by_name: HashMap<String, (usize, By)>,
    /// Mapping by the comparable form of its key.
    by_key: HashMap<String, Mapped<'a>>,
    /// Uploaded columns by the known column that they are mapped to.
    by_target: HashMap<usize, Vec<Claim>>,
    nameless: Vec<usize>,
    /// Indexes of unknown columns.
    unknown: Vec<usize>,
    problems: Problems,
}

struct Mapped<'a> {
    key: &'a str,
    target: Option<&'a str>,
    is_used: bool,
}

/// An uploaded column that is mapped to a known one.
#[derive(Clone, Copy)]
struct Claim {
    index: usize,
    by: By,
}

/// Basis of the mapping, in order of precedence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Alias,
    Name,
    Mapping,
}

impl<'a> Resolution<'a> {
    fn take_mapping(&mut self) {
        for (key, target) in self.wanted.mapping {
            let mapped = Mapped { key, target: target.as_deref(), is_used: false };
            if self.by_key.insert(comparable(key), mapped).is_some() {
                self.problems.add(key, || {
                    format!("the mapping names the header `{}` more than once: keep one entry", shown(key))
                });
            }
        }
    }

    /// The known column for the uploaded one at `index`; `None` if it is ignored or a problem.
    fn column(&mut self, index: usize, name: &str) -> Option<usize> {
        let name_key = comparable(name);
        let position_key = format!("#{}", index + 1);
        // The position first: of several columns with one name it names one.
        let is_by_position = self.by_key.contains_key(&position_key);
        if is_by_position && let Some(by_name) = self.by_key.get_mut(&name_key) {
            by_name.is_used = true;
        }
        let key = if is_by_position { &position_key } else { &name_key };
        if let Some(mapped) = self.by_key.get_mut(key) {
            mapped.is_used = true;
            let target = mapped.target?;
            let Some(column) = self.find(target) else {
                let known = self.wanted.known;
                self.problems.add(if name.is_empty() { &position_key } else { name }, || {
                    let (shown_name, shown_target) =
                        (shown(if name.is_empty() { &position_key } else { name }), shown(target.trim()));
                    let advice = advice(target, known);
                    format!(
                        "the mapping sends `{shown_name}` to the unknown column `{shown_target}`: {advice}"
                    )
                });
                return None;
            };
            self.by_target.entry(column.0).or_default().push(Claim { index, by: By::Mapping });
            return Some(column.0);
        }
        if OWN_COLUMNS.contains(&name_key.as_str()) {
            return None;
        }
        if name_key.is_empty() {
            if self.wanted.unknown_columns == UnknownColumns::Refuse {
                self.nameless.push(index);
            }
            return None;
        }
        let Some((column, by)) = self.find(name) else {
            self.unknown.push(index);
            return None;
        };
        self.by_target.entry(column).or_default().push(Claim { index, by });
        Some(column)
    }

    /// The known column with this name or alias.
    fn find(&self, name: &str) -> Option<(usize, By)> {
        self.by_name.get(&comparable(name)).copied()
    }

    /// Resolves two columns for one. The uploader's mapping takes precedence over names and aliases if unknown columns
    /// are ignored.
    fn settle_conflicts(&mut self, header: &[String], columns: &mut [Option<usize>]) {
        let mut conflicts: Vec<_> = self.by_target.iter().filter(|(_, claims)| claims.len() > 1).collect();
        conflicts.sort_by_key(|(column, _)| **column);
        for (column, claims) in conflicts {
            let weightiest = claims.iter().map(|claim| claim.by).max().unwrap_or(By::Alias);
            let ignores = self.wanted.unknown_columns == UnknownColumns::Ignore;
            let mut kept: Option<usize> = None;
            for claim in claims {
                if ignores && claim.by < weightiest {
                    columns[claim.index] = None;
                    continue;
                }
                let Some(first) = kept.replace(claim.index) else { continue };
                kept = Some(first);
                let known = self.wanted.known[*column].name;
                self.problems.add(&header[claim.index], || conflict(header, first, claim.index, known));
            }
        }
    }

    fn report_unknown(&mut self, header: &[String]) {
        if self.wanted.unknown_columns == UnknownColumns::Ignore || self.unknown.is_empty() {
            return;
        }
        let nothing_fits = self.by_target.is_empty();
        let named: Vec<&String> = header.iter().filter(|name| !name.is_empty()).collect();
        if let ([name], true) = (&named[..], nothing_fits)
            && let Some(delimiter) =
                [",", ";", "\t", "|"].into_iter().find(|delimiter| name.contains(delimiter))
        {
            let delimiter = if delimiter == "\t" { "tab" } else { delimiter };
            self.problems.add(name, || {
                format!(
                    "the header line is one column, `{}`: either every line is in quotes as a whole, then save the file as \
                     CSV again so that each value is a cell of its own; or the columns are separated by `{delimiter}`, \
                     then say so with `delimiter`",
                    shown(name)
                )
            });
            return;
        }
        if nothing_fits && header.iter().any(|name| is_value(name)) {
            let names: Vec<_> = self.wanted.known.iter().map(|known| known.name).collect();
            self.problems.add("", || {
                format!(
                    "the first line holds values and no column names: put a header line before it, such as `{}`",
                    names.join(",")
                )
            });
            return;
        }
        let known = self.wanted.known;
        for index in &self.unknown {
            let name = &header[*index];
            self.problems.add(name, || {
                let advice = advice(name, known);
                let joint = if advice.ends_with('?') { " Otherwise" } else { "." };
                let rest = if joint == "." {
                    format!(". {}", capital(LEAVE_OUT))
                } else {
                    format!("{joint} {LEAVE_OUT}")
                };
                format!("unknown column `{}`: {advice}{rest}", shown(name))
            });
        }
    }

    fn report_unused_mappings(&mut self, header: &[String]) {
        // A mapping to `None` for a column that does not exist is harmless.
        let mut unused: Vec<_> =
            self.by_key.values().filter(|mapped| !mapped.is_used && mapped.target.is_some()).collect();
        unused.sort_by_key(|mapped| mapped.key);
        for mapped in unused {
            let key = shown(mapped.key);
            let is_position =
                mapped.key.trim().strip_prefix('#').is_some_and(|digits| digits.parse::<u64>().is_ok());
            self.problems.add(mapped.key, || {
                if is_position {
                    return format!("the mapping names the column `{key}`, the file has {}", header.len());
                }
                let similar =
                    most_similar(mapped.key, header.iter().take(COMPARED_NAMES).map(String::as_str));
                let advice = similar.map_or_else(
                    || "name a header as it stands in the file".to_owned(),
                    |header| format!("did you mean `{}`?", shown(header)),
                );
                format!("the mapping names the header `{key}`, which the file does not have: {advice}")
            });
        }
    }

    fn defaults(&mut self) -> Vec<(usize, String)> {
        let mut defaults: Vec<(usize, String)> = Vec::new();
        for (name, value) in self.wanted.defaults {
            let Some((column, _)) = self.find(name) else {
                let known = self.wanted.known;
                self.problems.add(name, || {
                    format!("`defaults` has the unknown column `{}`: {}", shown(name), advice(name, known))
                });
                continue;
            };
            let known = self.wanted.known[column].name;
            if self.by_target.contains_key(&column) {
                self.problems.add(known, || {
                    format!(
                        "the file has the column `{known}`: a default is for a column that it does not have"
                    )
                });
            } else if defaults.iter().any(|(other, _)| *other == column) {
                self.problems
                    .add(known, || format!("`defaults` has the column `{known}` more than once: keep one"));
            } else {
                defaults.push((column, value.clone()));
            }
        }
        defaults
    }
}

/// Known columns by name and alias. A name takes precedence over another column's alias, and the first of two equal
/// aliases wins.
fn by_name(known: &[Known<'_>]) -> HashMap<String, (usize, By)> {
    let mut names = HashMap::new();
    for (column, known) in known.iter().enumerate() {
        names.entry(comparable(known.name)).or_insert((column, By::Name));
    }
    for (column, known) in known.iter().enumerate() {
        for alias in known.aliases {
            names.entry(comparable(alias)).or_insert((column, By::Alias));
        }
    }
    names
}

fn conflict(header: &[String], first: usize, second: usize, known: &str) -> String {
    let (one, other) = (&header[first], &header[second]);
    let (first, second) = (first + 1, second + 1);
    if comparable(one) == comparable(other) {
        return format!(
            "the column `{}` appears as column {first} and as column {second}: keep one of them, or map one to null by its \
             position (`#{second}`)",
            shown(other)
        );
    }
    format!(
        "the columns `{}` and `{}` both stand for `{known}`: keep one of them, or map one to null",
        shown(one),
        shown(other)
    )
}

/// True if a header cell looks like a value: an address, a number, a date.
fn is_value(name: &str) -> bool {
    let name = name.trim();
    let is_address = name.split_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    let digits = name.chars().filter(char::is_ascii_digit).count();
    is_address || (digits > 0 && name.chars().all(|char| char.is_ascii_digit() || "+-.,:/ TZ".contains(char)))
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The problems reported in full, and the number of further ones.
#[derive(Default)]
struct Problems {
    told: Vec<HeaderProblem>,
    untold: usize,
}

impl Problems {
    fn add(&mut self, column: &str, message: impl FnOnce() -> String) {
        if self.told.len() < MAX_PROBLEMS {
            self.told.push(HeaderProblem { column: shown(column).into_owned(), message: message() });
        } else {
            self.untold += 1;
        }
    }

    fn into_list(mut self) -> Vec<HeaderProblem> {
        if self.untold > 0 {
            let message = format!("{} more problems of this kind: is this the right file?", self.untold);
            self.told.push(HeaderProblem { column: String::new(), message });
        }
        self.told
    }
}

#[cfg(test)]
mod tests;
