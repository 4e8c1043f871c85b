//! Tests of whole actions against the real binaries; see `tests/`. A crate of its own, so that it can depend on what the
//! services must not know of.
