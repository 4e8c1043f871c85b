//! processing-worker
fn main() {}
