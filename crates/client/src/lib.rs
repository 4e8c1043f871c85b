//! The one HTTP client of the API, for `bulk`, the demo, the benchmark and the tests.
//!
//! - Files, pipes and memory are [uploaded](Upload) without being held, with the number of bytes said beforehand where it
//!   is known, and the fields before the file, so that the service can refuse a header while the file still comes.
//! - What can be [tried again](Patience) is: refusals that say when to come back, and connections that break. Uploads carry
//!   an `Idempotency-Key`, so that trying again never makes a second action.
//! - An action is [followed](Client::follow) by server-sent events over broken connections, or by asking where no stream
//!   can be had.
//! - Errors are [typed](ClientError) and never hold the token.

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
