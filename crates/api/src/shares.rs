//! Capacity of one process. Together the numbers limit its memory: each comment says what a place costs. See also
//! docs/reliability.md ("Bounds").

use std::time::Duration;

use crate::share::{Rule, Share};

/// Uploads in progress. Each holds one part of a multipart upload: 5 MiB, the minimum of S3.
const UPLOADS: usize = 24;
/// Downloads in progress. Each holds 256 KiB of each partition and a few pieces of 64 KiB, or, while the action still runs,
/// two results objects of about 1 MiB.
const DOWNLOADS: usize = 24;
/// Inspections in progress. Each holds the start of its file, 512 KiB.
const INSPECTIONS: usize = 24;
/// Pages of row outcomes being read. Each holds as much as a download.
const PAGES: usize = 8;
/// Event streams. Each holds a connection and the last state of its action.
const STREAMS: usize = 2000;
/// Pool connections reserved for uploads, event streams and other queries outside a share.
const CONNECTIONS_APART: u32 = 4;

/// Clients and proxies usually give up after 60 s.
const LONG_PATIENCE: Duration = Duration::from_secs(30);
/// The same as the pool's own timeout.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);
/// Event streams do not wait: the client polls the state instead.
const NO_PATIENCE: Duration = Duration::ZERO;

/// The shares of a process.
#[derive(Clone)]
pub(crate) struct Shares {
    /// Held from the first byte read of the body to the response.
    pub(crate) uploads: Share,
    /// Held from the first byte read of the body to the response.
    pub(crate) inspections: Share,
    /// Held from the first byte read of storage to the last one sent.
    pub(crate) downloads: Share,
    /// Held while results objects are read for a page.
    pub(crate) pages: Share,
    /// Held from the first event to the last.
    pub(crate) streams: Share,
    /// Requests that query the database and respond at once.
    pub(crate) questions: Share,
}

impl Shares {
    /// All places free, for a pool of this size.
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
