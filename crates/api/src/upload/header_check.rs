//! Check of a file's header for an action.

use std::sync::Arc;

use bulk_core::action::{ActionConfiguration, ActionType};
use bulk_core::entity::{Entity, HeaderRules, Layout};
use csv_intake::header::HeaderProblem;
use csv_intake::{Delimiter, Record};

use super::inspection::{FirstRows, Inspection};
use crate::envelope::Detail;
use crate::error::ApiError;

/// The requirements that a header is checked against.
pub(super) struct HeaderCheck {
    /// Entity that the rows describe.
    pub(super) entity: Arc<Entity>,
    /// Operation applied to each row.
    pub(super) action_type: ActionType,
    /// Options chosen at upload, including the mapping.
    pub(super) configuration: ActionConfiguration,
}

impl HeaderCheck {
    /// Checks the header and returns the rules that follow from it.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with all problems.
    pub(super) fn check(&self, header: &[String]) -> Result<HeaderRules, ApiError> {
        self.check_layout(&self.layout(header)?)
    }

    fn check_layout(&self, layout: &Layout) -> Result<HeaderRules, ApiError> {
        let Layout { map, .. } = layout;
        self.entity.check_header(map, self.action_type).map_err(|message| ApiError::invalid("file", message))
    }

    /// Checks the header together with the use of its columns. A column that is empty in every row (an unused one of
    /// the template, for example) identifies no record; an unnamed empty column is ignored; and if every row has an id,
    /// the key is not needed.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with all problems of the header.
    pub(super) fn check_used(&self, inspection: &Inspection) -> Result<HeaderRules, ApiError> {
        let layout = self.layout(&inspection.header);
        let checked = layout.and_then(|layout| Ok((self.check_layout(&layout)?, layout)));
        let (rules, Layout { map, nameless }) = checked
            .map_err(|refusal| self.with_header_below(refusal, &inspection.header, &inspection.first_rows))?;
        let has_value = |index: &usize| inspection.used[*index];
        let problems: Vec<_> = nameless.into_iter().filter(has_value).map(HeaderProblem::nameless).collect();
        if !problems.is_empty() {
            return Err(ApiError::Validation(details(problems).collect()));
        }
        let used = |column| map.position(column).is_none_or(|position| inspection.used[position]);
        let rules = self.entity.check_header(&map.only(used), self.action_type).unwrap_or(rules);
        let by_id = map.position(Entity::ID_COLUMN).is_some_and(|position| inspection.full[position]);
        let two_identities = rules.two_identities && !(by_id && self.action_type.targets_existing());
        Ok(HeaderRules { two_identities })
    }

    /// The refusal of a header of which no name is known, with the line below it on which the names seem to stand: titles and
    /// remarks above a table are common in files that were made for people.
    pub(super) fn with_header_below(
        &self,
        refusal: ApiError,
        header: &[String],
        rows: &FirstRows,
    ) -> ApiError {
        let mut details = match refusal {
            ApiError::Validation(details) => details,
            other => return other,
        };
        if let Some(line) = header_below(&self.entity, &self.configuration, header, rows) {
            details.insert(0, stands_below(line));
        }
        ApiError::Validation(details)
    }

    fn layout(&self, header: &[String]) -> Result<Layout, ApiError> {
        let ActionConfiguration { mapping, intake, .. } = &self.configuration;
        let layout = self.entity.layout(header, mapping, intake, self.action_type);
        layout.map_err(|problems| ApiError::Validation(details(problems).collect()))
    }
}

/// Advice for a file whose header seems to be on this line.
pub(super) fn stands_below(line: u64) -> Detail {
    Detail::new(
        "file",
        format!(
            "the names of the columns seem to stand on line {line}: send headerLine={line}, or remove the lines above it"
        ),
    )
}

/// The line of the row that looks like a header, where the header does not; the row in the sheet of a workbook.
pub(super) fn header_below(
    entity: &Entity,
    configuration: &ActionConfiguration,
    header: &[String],
    rows: &FirstRows,
) -> Option<u64> {
    let fits = |names: &[String]| {
        let resolved = entity.examine(names, &configuration.mapping, &configuration.intake).resolved;
        let by_name = resolved.used().filter(|(index, _)| !names[*index].is_empty());
        by_name.count()
    };
    if fits(header) > 0 {
        return None;
    }
    let mut lines = rows.below(header);
    lines.find(|(_, row)| readings(row).iter().any(|names| fits(names) > 0)).map(|(line, _)| line)
}

/// The cells of a row, and those it would have with each delimiter if it is a single cell: the delimiter was found from
/// what stands above.
fn readings(row: &Record) -> Vec<Vec<String>> {
    let mut readings = vec![row.iter().map(str::to_owned).collect()];
    if row.len() == 1 {
        let whole = row.get(0).unwrap_or_default();
        let cut = |delimiter: Delimiter| whole.split(delimiter.as_str()).map(str::to_owned).collect();
        readings.extend(Delimiter::ALL.map(cut));
    }
    readings
}

/// Problems of a header as details of a response.
pub(super) fn details(problems: Vec<HeaderProblem>) -> impl Iterator<Item = Detail> {
    problems.into_iter().map(|problem| {
        let field = if problem.column.is_empty() { "file".to_owned() } else { problem.column };
        Detail::new(field, problem.message)
    })
}

#[cfg(test)]
mod tests {
    use bulk_core::entity::Entities;

    use super::*;

    /// True if a file of contacts keeps its order in one partition; `id` and `email` say which rows have a value.
    fn is_mixture(action_type: ActionType, id: (bool, bool), email: (bool, bool)) -> bool {
        let entity = Entities::built_in().find("contact").unwrap().clone();
        let check = HeaderCheck { entity, action_type, configuration: ActionConfiguration::default() };
        let inspection = Inspection {
            header: vec!["id".to_owned(), "email".to_owned(), "name".to_owned()],
            row_count: 2,
            used: vec![id.0, email.0, true],
            full: vec![id.1, email.1, true],
            read: csv_intake::ReadOptions::default(),
            first_rows: FirstRows::default(),
        };
        check.check_used(&inspection).unwrap().two_identities
    }

    #[test]
    fn only_a_mixture_of_ids_and_keys_keeps_one_order() {
        let (none, some, all) = ((false, false), (true, false), (true, true));
        for action in [ActionType::BulkUpdate, ActionType::BulkDelete] {
            assert!(!is_mixture(action, all, all), "by id");
            assert!(!is_mixture(action, none, all), "by key");
            assert!(!is_mixture(action, some, none), "rows without an id name nothing");
            assert!(is_mixture(action, some, all));
            assert!(is_mixture(action, some, some));
        }
        assert!(is_mixture(ActionType::BulkUpsert, all, all), "the id of a new record may be taken");
        assert!(!is_mixture(ActionType::BulkUpsert, none, all));
    }
}
