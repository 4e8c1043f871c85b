//! The reader as its callers see it.

mod dialects;
mod properties;
mod refusals;
mod support;
