//! chunking-worker
fn main() {}
