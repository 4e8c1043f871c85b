//! What every request passes, from the outside in: [`observe`] (trace, log, metrics), panics, draining, and for quick
//! routes a time limit.

mod draining;
mod observe;
mod panic;
mod time_limit;

pub(crate) use draining::refuse_while_draining;
pub(crate) use observe::observe;
pub(crate) use panic::answer_for_panic;
pub(crate) use time_limit::limit_time;
