//! Types of the API's requests and responses, shared by both sides: the service serialises them, clients parse them,
//! and their schemas make up the OpenAPI document. They depend neither on the service's state nor on its HTTP
//! framework.
//!
//! Clients ignore unknown fields, so a newer service may add fields.

#![allow(
    missing_docs,
    reason = "a field's doc line is its description in the OpenAPI document; those that would repeat the name have none"
)]

mod action;
mod created;
mod entity;
mod envelope;
mod health;
mod inspect;
mod names;
mod rows;
mod stats;
mod timestamp;

pub use action::{
    ActionView, ChunksView, ConfigurationView, FailureView, FileView, ProgressView, ResultsView, WaitView,
};
pub use created::{CreatedView, ProcessingView};
pub use entity::{ColumnKindName, ColumnView, EntityName, EntityView};
pub use envelope::{Detail, ErrorBody, Failure, Page, PageInfo, Success};
pub use health::{Alive, Answer, Check, Detailed, Services};
pub use inspect::{CellProblem, InspectedColumn, InspectedRow, InspectionView, SuggestionView};
pub use names::{
    ActionStatus, ActionType, DecimalMark, EmptyCells, OnConflict, Outcome, RowCode, RowStatus, ShortRows,
    UnknownColumns,
};
pub use rows::{CodeCount, CursorInfo, CursorText, LogEntry, UploadedValue};
pub use stats::{DoneView, NewsView, StatsView};
pub use timestamp::Timestamp;
