//! From the header of a file to its columns. Upload, chunking worker, processing worker and results go this one way, so
//! that they read the same value in the same place.

use csv_intake::header::{self, HeaderProblem, Mapping, Resolved};

use super::{ColumnMap, Entity};
use crate::action::{ActionType, Intake};

/// Columns of a file.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Positions of the columns that the operation uses.
    pub map: ColumnMap,
    /// Indexes of unnamed columns, which must have no value in any row.
    pub nameless: Vec<usize>,
}

/// A header with the columns found in it, whether or not its file can be used.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The entity's column of each uploaded one.
    pub resolved: Resolved,
    /// Positions of the entity's columns.
    pub map: ColumnMap,
    /// Reasons for refusing the file.
    pub problems: Vec<HeaderProblem>,
}

impl Entity {
    /// Columns of a file with this header, for the operation `action`.
    ///
    /// # Errors
    /// All problems of the header, the mapping and the defaults.
    pub fn layout(
        &self,
        header: &[String],
        mapping: &Mapping,
        intake: &Intake,
        action: ActionType,
    ) -> Result<Layout, Vec<HeaderProblem>> {
        let Examined { resolved, map, problems } = self.examine(header, mapping, intake);
        if problems.is_empty() {
            Ok(Layout { map: self.relevant(&map, action), nameless: resolved.nameless })
        } else {
            Err(problems)
        }
    }

    /// Finds the entity's columns in a header, as far as it has them.
    #[must_use]
    pub fn examine(&self, header: &[String], mapping: &Mapping, intake: &Intake) -> Examined {
        let (resolved, problems) = header::examine(header, &intake.wanted(mapping, &self.known()));
        let map = ColumnMap::resolved(&resolved, self.columns.len(), intake);
        Examined { resolved, map, problems }
    }
}
