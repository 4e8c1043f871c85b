//! `local up`: runs the platform until it is interrupted.

use std::{future::pending, path::Path};

use anyhow::Result;

use crate::{
    console,
    platform::{self, PlatformOptions},
};

/// Runs the platform until a signal arrives.
pub async fn up(data_dir: &Path, options: &PlatformOptions) -> Result<()> {
    platform::run::<()>(data_dir, options, async |platform| {
        console::result(format!("ready {}", platform.url()));
        console::result(format!("page  {}", platform.page_url()));
        pending().await
    })
    .await?;
    Ok(())
}
