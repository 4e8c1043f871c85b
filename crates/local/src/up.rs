//! `local up`: runs the platform until it is interrupted.

use std::future::pending;
use std::path::Path;

use anyhow::Result;
use futures::future::LocalBoxFuture;

use crate::console;
use crate::platform::{self, LocalOptions};

/// Runs the platform until a signal arrives.
// Boxed, so that it is compiled here and not in the binary, which awaits it.
pub fn up<'a>(data_dir: &'a Path, options: &'a LocalOptions) -> LocalBoxFuture<'a, Result<()>> {
    Box::pin(async move {
        platform::run::<()>(data_dir, options, async |platform| {
            console::result(format!("ready {}", platform.url()));
            console::result(format!("page  {}", platform.page_url()));
            pending().await
        })
        .await?;
        Ok(())
    })
}
