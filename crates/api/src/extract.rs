//! From headers, paths and queries to checked values. An extractor that refuses answers with the envelope.

mod caller;
mod owned_action;
mod query;

pub(crate) use caller::{CanRead, CanWrite};
pub(crate) use owned_action::{NO_SUCH_ACTION, OwnedAction, TargetAction};
pub(crate) use query::{Checked, FromQuery, QueryReader};
