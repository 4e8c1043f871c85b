//! Whether a file's header can serve the action.

use std::collections::BTreeMap;

use bulk_core::action::ActionType;
use bulk_core::csv::header;
use bulk_core::entity::{ColumnMap, EntityType, HeaderRules};

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
        let known: Vec<_> = self.entity.columns().iter().map(|column| column.name).collect();
        let columns = header::resolve(header, &self.mapping, &known).map_err(|problems| {
            let details = problems.into_iter().map(|problem| {
                let field = if problem.column.is_empty() { "file".to_owned() } else { problem.column };
                Detail::new(field, problem.message)
            });
            ApiError::Validation(details.collect())
        })?;
        let map = self.entity.relevant(&ColumnMap::new(&columns, known.len()), self.action_type);
        self.entity.check_header(&map, self.action_type).map_err(|message| ApiError::invalid("file", message))
    }
}
