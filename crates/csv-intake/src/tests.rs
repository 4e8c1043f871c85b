//! Tests of the reader's public interface.

mod dialects;
mod header_line;
mod properties;
mod refusals;
mod support;
