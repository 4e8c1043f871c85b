//! The HTTP client of the API, for `bulk`, the demo, the benchmark and the tests.
//!
//! - Files, pipes and memory are [uploaded](Upload) as streams, with a declared length if it is known. The fields
//!   precede the file, so that the service can reject a header while the file is still arriving.
//! - Requests are [retried](Patience) after responses that name a retry time and after broken connections. Uploads
//!   carry an `Idempotency-Key`, so that a retry never creates a second action.
//! - An action is [followed](Client::follow) by server-sent events across broken connections, or by polling if no
//!   stream is possible.
//! - Errors are [typed](ClientError) and never contain the token.

mod calls;
mod connection;
mod credentials;
mod error;
mod follow;
mod patience;
#[cfg(feature = "progress")]
pub mod progress;
mod results;
mod source;
mod upload;

pub use calls::{ListQuery, LogsQuery};
pub use connection::Client;
pub use credentials::Credentials;
pub use error::{ClientError, Refusal};
pub use follow::{Follow, Update};
pub use patience::{Patience, Waiting};
pub use results::{Download, ResultsQuery};
pub use source::Source;
pub use upload::{Created, Sent, Upload};
