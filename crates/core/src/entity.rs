//! What can be uploaded. An entity is one file that declares its columns, its row type with its rules, its key and its
//! SQL ([`Entity`]); the [`registry`] lists them. Everything else (upload checks, templates, partitioning, folding,
//! results) is derived from that declaration here, once for all entities.

mod apply;
mod cells;
mod column;
mod contact;
mod declaration;
mod fold;
mod order;
mod product;
mod record;
mod refusal;
mod registry;
mod row_check;
mod values;

pub use apply::ApplyRequest;
pub use cells::{Cells, FieldProblem, Fields};
pub use column::{Column, ColumnKind, ColumnMap};
pub use contact::Contact;
pub use declaration::Entity;
pub use order::Order;
pub use product::Product;
pub use record::{Matched, Record};
pub use registry::{EntityType, all, find, map_columns, resolve};
pub use row_check::{CheckedRow, HeaderRules};
