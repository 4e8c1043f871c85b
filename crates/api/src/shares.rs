//! What one process does at once, in numbers. Together they bound its memory: each place costs what its comment says, and
//! docs/reliability.md ("Bounds") has the sum.

use std::time::Duration;

use crate::share::{Rule, Share};

/// Uploads in progress. Each holds one part of a multipart upload: 5 MiB, the least that S3 takes.
const UPLOADS: usize = 24;
/// Downloads in progress. Each holds two results objects of about 1 MiB and a few pieces of 64 KiB.
const DOWNLOADS: usize = 24;
/// Looks at files before they are uploaded. Each holds the start of its file, 512 KiB.
const INSPECTIONS: usize = 24;
/// Pages of row outcomes being read. Each holds as much as a download.
const PAGES: usize = 8;
/// Event streams. Each holds a connection and the last state of its action.
const STREAMS: usize = 2000;
/// Connections of the pool that are left to uploads, event streams and whatever else asks outside a share.
const CONNECTIONS_APART: u32 = 4;

/// Clients and proxies give up on an answer after 60 s.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// The pool's own patience.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);
/// A stream that has to wait is not worth waiting for: the client asks for the state instead.
const NO_PATIENCE: Duration = Duration::ZERO;

/// The shares of a process.
#[derive(Clone)]
pub(crate) struct Shares {
    /// From the first byte of the body that is read to the answer.
    pub(crate) uploads: Share,
    /// From the first byte of the body that is read to the answer.
    pub(crate) inspections: Share,
    /// From the first byte that is read of storage to the last that is sent.
    pub(crate) downloads: Share,
    /// While results objects are read for a page.
    pub(crate) pages: Share,
    /// From the first event to the last.
    pub(crate) streams: Share,
    /// Requests that ask the database and answer at once.
    pub(crate) questions: Share,
}

impl Shares {
    /// All free, for a pool of so many connections.
    pub(crate) fn new(max_connections: u32) -> Self {
        let questions = usize::try_from(max_connections.saturating_sub(CONNECTIONS_APART)).unwrap_or(1);
        Self {
            uploads: Share::new("uploads", UPLOADS, Rule::Half, LONG_PATIENCE),
            inspections: Share::new("inspections", INSPECTIONS, Rule::Half, LONG_PATIENCE),
            downloads: Share::new("downloads", DOWNLOADS, Rule::Half, LONG_PATIENCE),
            pages: Share::new("pages of row outcomes", PAGES, Rule::Whole, LONG_PATIENCE),
            streams: Share::new("event streams", STREAMS, Rule::Half, NO_PATIENCE),
            questions: Share::new("requests", questions, Rule::Whole, SHORT_PATIENCE),
        }
    }
}
