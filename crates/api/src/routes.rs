//! One module per resource; each owns its `router()`.

pub(crate) mod bulk_actions;
pub(crate) mod docs;
pub(crate) mod entities;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod root;
pub(crate) mod session;
pub(crate) mod uploads;
