//! Whether a file's header can serve the action.

use std::collections::BTreeMap;

use bulk_core::action::ActionType;
use bulk_core::entity::{ColumnMap, EntityType, HeaderRules};
use csv_intake::header;

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
        let map = self.map(header)?;
        self.entity.check_header(&map, self.action_type).map_err(|message| ApiError::invalid("file", message))
    }

    /// What follows from the header and from which of its columns have values: a column that is empty in every row (an
    /// unused one of the template, say) names no record.
    ///
    /// # Errors
    /// [`ApiError::Validation`] with everything that is wrong with the header.
    pub(super) fn check_used(&self, inspection: &Inspection) -> Result<HeaderRules, ApiError> {
        let rules = self.check(&inspection.header)?;
        let map = self.map(&inspection.header)?;
        let used = |column| map.position(column).is_some_and(|position| inspection.used[position]);
        Ok(self.entity.check_header(&map.only(used), self.action_type).unwrap_or(rules))
    }

    fn map(&self, header: &[String]) -> Result<ColumnMap, ApiError> {
        let known: Vec<_> = self.entity.columns().iter().map(|column| column.name).collect();
        let columns = header::resolve(header, &self.mapping, &known).map_err(|problems| {
            let details = problems.into_iter().map(|problem| {
                let field = if problem.column.is_empty() { "file".to_owned() } else { problem.column };
                Detail::new(field, problem.message)
            });
            ApiError::Validation(details.collect())
        })?;
        Ok(self.entity.relevant(&ColumnMap::new(&columns, known.len()), self.action_type))
    }
}
