//! A bulk action: one uploaded file and the operation to apply to its rows.

mod configuration;
mod progress;
mod status;

pub use configuration::{ActionConfiguration, ActionType, EmptyCells, Intake, OnConflict, parse_timezone};
pub use progress::{Counts, Progress};
pub use status::{ActionEvent, ActionStatus, IllegalMove, Outcome};
