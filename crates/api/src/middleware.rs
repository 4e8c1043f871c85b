//! Middleware of every request, from the outside in: [`observe()`] (trace, log, metrics), [`add_headers`], cross-origin
//! rules, compression, panics, [`limit_head`]. Then, except for health and metrics: draining, the limit of the address,
//! [`drain_body`] and [`refuse_foreign_host`]. Then, for routes with authentication, [`identify()`]; and for quick
//! routes a time limit.

mod body;
mod compression;
mod cors;
mod draining;
mod head_limits;
mod headers;
mod identify;
mod local_host;
mod observe;
mod panic;
mod time_limit;

pub(crate) use body::drain_body;
pub(crate) use compression::compression;
pub(crate) use cors::cors;
pub(crate) use draining::refuse_while_draining;
pub(crate) use head_limits::limit_head;
pub(crate) use headers::add_headers;
pub(crate) use identify::identify;
pub(crate) use local_host::refuse_foreign_host;
pub(crate) use observe::observe;
pub(crate) use panic::answer_for_panic;
pub(crate) use time_limit::limit_time;
