//! Tests of the reader's public interface.

mod dialects;
mod properties;
mod refusals;
mod support;
