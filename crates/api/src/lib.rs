//! The HTTP service: accepts uploads and shows their results. It holds no state of its own, so any number of instances
//! can run side by side.
//!
//! A request passes [`middleware`] (trace, access log, metrics, panics, limits, authentication), then the extractors in
//! [`extract`], which parse headers and queries into checked values, then one handler in [`routes`]. Every response is
//! built by [`envelope`] or [`error`].

mod auth;
mod compute;
pub mod entities;
mod envelope;
mod error;
mod events;
mod extract;
mod health;
mod middleware;
mod openapi;
mod page;
mod rate_limit;
mod results;
mod retention;
mod router;
mod routes;
mod seats;
mod server;
mod share;
mod shares;
mod state;
mod trace;
mod upload;
mod vocabulary;

pub use server::{RunError, Server};

use bulk_core::config::ApiConfig;
use bulk_core::shutdown::Shutdown;
use futures::future::BoxFuture;

/// The OpenAPI 3.1 description of the API, as committed in docs/openapi.json and served at `/openapi.json`.
#[must_use]
pub fn openapi_json() -> String {
    format!("{:#}\n", openapi::describe(&bulk_core::entity::Entities::built_in()).document)
}

/// Name of the service in logs and in the database.
const SERVICE: &str = "api";

/// Serves until the shutdown, then completes running requests.
///
/// # Errors
/// [`RunError`] if it cannot start.
// Boxed, because a future that is not behind a pointer is compiled in the crate that awaits it: the whole service a second
// time, in the binary.
pub fn run(config: ApiConfig, shutdown: Shutdown) -> BoxFuture<'static, Result<(), RunError>> {
    Box::pin(async move {
        Server::start(config, shutdown).await?.serve().await;
        Ok(())
    })
}
