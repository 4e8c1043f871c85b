//! Entities: the kinds of record that can be uploaded. An entity is a declaration in one TOML file: table, account
//! column, id, key, and columns with their kinds and rules ([`Entity`], read by `parse`). This module derives
//! everything else from it for all entities alike: checks of headers and rows, folding, the statements ([`statements`])
//! and their application ([`Entity::apply`]).

mod apply;
pub mod catalog;
mod check;
mod column;
mod declaration;
mod execute;
mod fold;
mod kind;
mod layout;
mod parse;
mod problem;
mod read;
mod refusal;
mod registry;
mod row;
mod row_check;
pub mod statements;

pub use apply::ApplyRequest;
pub use column::{Column, ColumnMap};
pub use declaration::{AccountColumn, AccountId, AccountKind, Entity, IdColumn, IdKind, Source, quoted};
pub use kind::{Bounds, ColumnKind, Kind};
pub use layout::{Examined, Layout};
pub use parse::parse;
pub use problem::Problem;
pub use read::{FieldProblem, Fields};
pub use registry::Entities;
pub use row::{Row, Value};
pub use row_check::{CheckedRow, HeaderRules};
