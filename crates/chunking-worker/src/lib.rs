//! chunking-worker
