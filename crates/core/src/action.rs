//! A bulk action: one uploaded file, and what is to be done with its rows.

mod configuration;
mod progress;
mod status;

pub use configuration::{ActionConfiguration, ActionType, EmptyCells, Intake, OnConflict, parse_timezone};
pub use progress::{Counts, Progress};
pub use status::{ActionEvent, ActionStatus, IllegalMove, Outcome};
