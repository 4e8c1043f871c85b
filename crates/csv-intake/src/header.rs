//! Fits an uploaded header to an entity's columns, once per file, so that rows are read by index. All that is wrong is
//! said at once, because each round trip costs the user an upload.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Characters of an uploaded name that are repeated in a message.
const SHOWN_CHARS: usize = 64;

/// Problems told in full; a file that is no CSV at all would otherwise be answered with its whole content.
const MAX_PROBLEMS: usize = 50;

/// Jaro-Winkler similarity from which a known column is offered instead of an unknown one: `e-mail`, `mail` and
/// `order_no` find theirs, `phone` and `street` find nothing among the columns of our entities.
const SIMILAR_ENOUGH: f64 = 0.8;

/// Something about the header, or the mapping, that refuses the file.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderProblem {
    /// The uploaded name it is about, cut to a length that can be shown; empty if it has none.
    pub column: String,
    /// A sentence that says what would be right.
    pub message: String,
}

/// Maps each uploaded column to an entity column, as its index in `known`.
///
/// Names are compared trimmed and without case. `mapping` (CSV header → entity column) is applied first; its keys and
/// values are compared the same way.
///
/// # Errors
///
/// Everything that is wrong with the header and the mapping: repeated, unknown and empty names, and mappings from or to
/// columns that do not exist.
pub fn resolve(
    header: &[String],
    mapping: &BTreeMap<String, String>,
    known: &[&str],
) -> Result<Vec<usize>, Vec<HeaderProblem>> {
    let mut resolution = Resolution {
        known,
        targets: BTreeMap::new(),
        by_name: HashMap::new(),
        by_target: HashMap::new(),
        problems: Problems::default(),
    };
    resolution.take_mapping(mapping);
    let columns = header.iter().enumerate().map(|(index, name)| resolution.column(index + 1, name)).collect();
    resolution.report_unused_mappings();
    let problems = resolution.problems.into_list();
    if problems.is_empty() { Ok(columns) } else { Err(problems) }
}

struct Resolution<'a> {
    known: &'a [&'a str],
    /// From the comparable form of a mapping's key to the mapping.
    targets: BTreeMap<String, Mapped<'a>>,
    /// From the comparable form of each header to its position.
    by_name: HashMap<String, usize>,
    /// From each entity column that is taken to the header that takes it.
    by_target: HashMap<usize, &'a str>,
    problems: Problems,
}

struct Mapped<'a> {
    key: &'a str,
    target: &'a str,
    is_used: bool,
}

impl<'a> Resolution<'a> {
    fn take_mapping(&mut self, mapping: &'a BTreeMap<String, String>) {
        for (key, target) in mapping {
            let mapped = Mapped { key, target, is_used: false };
            if self.targets.insert(comparable(key), mapped).is_some() {
                self.problems.add(key, || {
                    format!("the mapping names the header `{}` more than once: keep one entry", shown(key))
                });
            }
        }
    }

    /// The entity column for the header `name` at `position` (from 1). Without one, a problem is noted, and the index
    /// returned is never used.
    fn column(&mut self, position: usize, name: &'a str) -> usize {
        let name = name.trim();
        let comparable_name = comparable(name);
        if name.is_empty() {
            self.problems.add(name, || {
                format!(
                    "column {position} has no name: name it in the header line or remove it from every line"
                )
            });
            return 0;
        }
        if let Some(first) = self.by_name.insert(comparable_name.clone(), position) {
            let shown = shown(name);
            self.problems.add(name, || {
                format!("the column `{shown}` appears as column {first} and as column {position}: keep one of them")
            });
            return 0;
        }
        let mapped = self.targets.get_mut(&comparable_name);
        let target = match mapped {
            Some(mapped) => {
                mapped.is_used = true;
                mapped.target.trim()
            }
            None => name,
        };
        let wanted = comparable(target);
        let Some(index) = self.known.iter().position(|known| comparable(known) == wanted) else {
            self.report_unknown(name, target);
            return 0;
        };
        if let Some(other) = self.by_target.insert(index, name) {
            let (shown, other, column) = (shown(name), shown(other), self.known[index]);
            self.problems.add(name, || {
                format!("the columns `{other}` and `{shown}` both stand for `{column}`: keep one of them")
            });
        }
        index
    }

    fn report_unknown(&mut self, name: &str, target: &str) {
        let known = self.known;
        self.problems.add(name, || {
            let advice = advice(target, known);
            let (shown_name, shown_target) = (shown(name), shown(target));
            if target == name {
                format!("unknown column `{shown_name}`: {advice}")
            } else {
                format!("the mapping sends `{shown_name}` to the unknown column `{shown_target}`: {advice}")
            }
        });
    }

    fn report_unused_mappings(&mut self) {
        for mapped in self.targets.values().filter(|mapped| !mapped.is_used) {
            let headers = self.by_name.keys().map(String::as_str);
            self.problems.add(mapped.key, || {
                let key = shown(mapped.key);
                let similar = most_similar(mapped.key, headers);
                let advice = similar.map_or_else(
                    || "name a header as it stands in the file".to_owned(),
                    |header| format!("did you mean `{}`?", shown(header)),
                );
                format!("the mapping names the header `{key}`, which the file does not have: {advice}")
            });
        }
    }
}

/// The problems told in full and how many more there are.
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

fn comparable(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The part of an uploaded name that a message repeats.
fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

fn advice(name: &str, known: &[&str]) -> String {
    if let Some(similar) = most_similar(name, known.iter().copied()) {
        return format!("did you mean `{similar}`?");
    }
    let columns: Vec<_> = known.iter().map(|column| format!("`{column}`")).collect();
    format!("the columns are {}", columns.join(", "))
}

/// The candidate that `name` was probably meant to be. Only the part that would be shown is compared, for the cost grows
/// with the square of the length.
fn most_similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| -> String {
        text.chars()
            .take(SHOWN_CHARS)
            .filter(|char| char.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let name = letters(name);
    candidates
        .map(|candidate| (strsim::jaro_winkler(&name, &letters(candidate)), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR_ENOUGH)
        // The name decides between equals, so that the answer does not depend on the order of a hash table.
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests;
