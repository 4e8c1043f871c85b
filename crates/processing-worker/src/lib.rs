//! processing-worker
