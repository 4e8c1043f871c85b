//! Extractors: parse headers, paths and queries into checked values. Their rejections use the envelope.

mod caller;
mod owned_action;
mod query;

pub(crate) use caller::{CanRead, CanWrite};
pub(crate) use owned_action::{NO_SUCH_ACTION, OwnedAction, TargetAction};
pub(crate) use query::{Checked, FromQuery, QueryReader};
