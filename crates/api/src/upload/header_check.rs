//! Whether a file's header can serve the action.

use std::collections::BTreeMap;

use bulk_core::action::ActionType;
use bulk_core::entity::{self, ColumnMap, EntityType, HeaderRules};
use csv_intake::header::HeaderProblem;

use super::inspector::Inspection;
use crate::envelope::Detail;
use crate::error::ApiError;

/// What a header is held against.
pub(super) struct HeaderCheck {
    /// What the rows are.
    pub(super) entity: &'static dyn EntityType,
    /// What is done with them.
    pub(super) action_type: ActionType,
    /// CSV header to entity column.
    pub(super) mapping: BTreeMap<String, String>,
}

impl HeaderCheck {
    /// What follows from the header.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with everything that is wrong with it.
    pub(super) fn check(&self, header: &[String]) -> Result<HeaderRules, ApiError> {
        let (map, _) = self.map(header)?;
        self.entity.check_header(&map, self.action_type).map_err(|message| ApiError::invalid("file", message))
    }

    /// What follows from the header and from which of its columns have values: a column that is empty in every row (an
    /// unused one of the template, say) names no record.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with everything that is wrong with the header.
    pub(super) fn check_used(&self, inspection: &Inspection) -> Result<HeaderRules, ApiError> {
        let rules = self.check(&inspection.header)?;
        let (map, nameless) = self.map(&inspection.header)?;
        let has_value = |index: &usize| inspection.used[*index];
        let problems: Vec<_> = nameless.into_iter().filter(has_value).map(HeaderProblem::nameless).collect();
        if !problems.is_empty() {
            return Err(refusal(problems));
        }
        let used = |column| map.position(column).is_some_and(|position| inspection.used[position]);
        Ok(self.entity.check_header(&map.only(used), self.action_type).unwrap_or(rules))
    }

    /// Where the file has the entity's columns, and which of its columns (by index) have no name.
    fn map(&self, header: &[String]) -> Result<(ColumnMap, Vec<usize>), ApiError> {
        let resolved = entity::resolve(self.entity, header, &self.mapping).map_err(refusal)?;
        let map = ColumnMap::of_used(resolved.used(), self.entity.columns().len());
        Ok((self.entity.relevant(&map, self.action_type), resolved.nameless))
    }
}

fn refusal(problems: Vec<HeaderProblem>) -> ApiError {
    let details = problems.into_iter().map(|problem| {
        let field = if problem.column.is_empty() { "file".to_owned() } else { problem.column };
        Detail::new(field, problem.message)
    });
    ApiError::Validation(details.collect())
}
