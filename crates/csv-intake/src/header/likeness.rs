//! Similarity of names: the column that was probably meant, with a confidence.

use std::borrow::Cow;

use super::{Known, Resolved};
use crate::record::is_blank_char;

/// Maximum length of an uploaded name in a message, in characters.
pub(super) const SHOWN_CHARS: usize = 64;

/// Least Jaro-Winkler similarity for suggesting a known column: `e-mail`, `mail` and `order_no` are matched, while
/// `phone` and `street` match none of the columns of our entities.
const SIMILAR_ENOUGH: f64 = 0.8;
/// Confidence of an alias; a column's own name has 1.
const ALIAS_CONFIDENCE: f64 = 0.95;
/// Maximum confidence of mere similarity.
const LIKENESS_CONFIDENCE: f64 = 0.9;

/// Maximum number of uploaded names that are compared: similarity is expensive, and a header with more columns does not
/// come from a person's table.
pub(super) const COMPARED_NAMES: usize = 500;

/// The probable known column of an uploaded one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// Index of the known column.
    pub column: usize,
    /// From 0 to 1: 1 for the column's own name, less for an alias, less still for a similar name.
    pub confidence: f64,
}

/// The probable known column of each uploaded one, including the resolved ones. Each known column is suggested at most
/// once, for the most confident match.
#[must_use]
pub fn suggest(header: &[String], resolved: &Resolved, known: &[Known<'_>]) -> Vec<Option<Suggestion>> {
    let mut pairs = Vec::new();
    for (position, column) in resolved.used() {
        // Matched by its name or an alias; otherwise by the uploader's mapping.
        let confidence = match confidence(&header[position], &known[column]) {
            by_alias if by_alias == ALIAS_CONFIDENCE => by_alias,
            _ => 1.0,
        };
        pairs.push((position, Suggestion { column, confidence }));
    }
    let mut is_known = vec![false; known.len()];
    resolved.used().for_each(|(_, column)| is_known[column] = true);
    for &position in resolved.unknown.iter().take(COMPARED_NAMES) {
        for (column, candidate) in known.iter().enumerate().filter(|(column, _)| !is_known[*column]) {
            let confidence = confidence(&header[position], candidate);
            if confidence > 0.0 {
                pairs.push((position, Suggestion { column, confidence }));
            }
        }
    }
    // A stable sort: among equals the first column of the file wins.
    pairs.sort_by(|(_, left), (_, right)| right.confidence.total_cmp(&left.confidence));
    let mut suggestions: Vec<Option<Suggestion>> = vec![None; header.len()];
    let mut is_taken = vec![false; known.len()];
    for (position, suggestion) in pairs {
        if suggestions[position].is_none() && !is_taken[suggestion.column] {
            is_taken[suggestion.column] = true;
            suggestions[position] = Some(suggestion);
        }
    }
    suggestions
}

fn confidence(name: &str, known: &Known<'_>) -> f64 {
    let wanted = comparable(name);
    if wanted.is_empty() {
        return 0.0;
    }
    if wanted == comparable(known.name) {
        return 1.0;
    }
    if known.aliases.iter().any(|alias| comparable(alias) == wanted) {
        return ALIAS_CONFIDENCE;
    }
    let letters_of_name = letters(name);
    let names = std::iter::once(known.name).chain(known.aliases.iter().map(String::as_str));
    let best = names.map(|other| strsim::jaro_winkler(&letters_of_name, &letters(other))).fold(0.0, f64::max);
    if best < SIMILAR_ENOUGH { 0.0 } else { (best * LIKENESS_CONFIDENCE * 100.0).round() / 100.0 }
}

/// The form in which names are compared.
pub(super) fn comparable(name: &str) -> String {
    name.trim_matches(is_blank_char).to_lowercase()
}

/// An uploaded name, shortened for messages.
pub(super) fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

/// Advice for an unknown name: the similar column, or else the list of all columns.
pub(super) fn advice(name: &str, known: &[Known<'_>]) -> String {
    if let Some(similar) = most_similar(name, known.iter().map(|known| known.name)) {
        return format!("did you mean `{similar}`?");
    }
    let columns: Vec<_> = known.iter().map(|known| format!("`{}`", known.name)).collect();
    format!("the columns are {}", columns.join(", "))
}

/// The candidate most similar to `name`, if one is similar enough.
pub(super) fn most_similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = letters(name);
    candidates
        .map(|candidate| (strsim::jaro_winkler(&name, &letters(candidate)), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR_ENOUGH)
        // Ties are broken by name, so that the result does not depend on the order of a hash table.
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}

/// Compares only the part that would be shown, because the cost grows with the square of the length.
fn letters(text: &str) -> String {
    text.chars()
        .take(SHOWN_CHARS)
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
