//! Tests of whole actions with the real binaries; see `tests/`. A separate crate, so that it can have dependencies that
//! the services must not have.
