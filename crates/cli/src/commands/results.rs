//! `bulk results`: the rows with their outcomes, to standard output or into a file.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use client::{Download, ResultsQuery};
use uuid::Uuid;

use crate::args::ResultsArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Downloads the rows of an action.
pub(crate) async fn results(context: &Context, args: &ResultsArgs) -> Result<Exit, Failure> {
    let id = context.id(&args.target)?;
    let query = ResultsQuery { status: args.status.clone(), spreadsheet_safe: args.spreadsheet_safe };
    match args.output.as_deref().filter(|path| path.as_os_str() != "-") {
        Some(path) => save_results(context, id, query, path).await?,
        None => {
            let mut download = begin(context, id, query).await?;
            while let Some(piece) = download.next().await? {
                context.output.data(&piece)?;
            }
        }
    }
    Ok(Exit::Fine)
}

async fn begin(context: &Context, id: Uuid, query: ResultsQuery) -> Result<Download, Failure> {
    let download = context.client.results(id, query).await?;
    if download.is_complete() == Some(false) {
        context.output.note("the action is not finished: these are the rows so far");
    }
    Ok(download)
}

/// Downloads the rows of an action into a file, which appears only when it is complete.
pub(crate) async fn save_results(
    context: &Context,
    id: Uuid,
    query: ResultsQuery,
    path: &Path,
) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::file("write", path, error);
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let mut download = begin(context, id, query).await?;
    let file = fs::File::create(&beside).map_err(|error| failed(&error))?;
    let mut file = BufWriter::new(file);
    let written = async {
        while let Some(piece) = download.next().await? {
            file.write_all(&piece).map_err(|error| failed(&error))?;
        }
        file.flush().map_err(|error| failed(&error))?;
        fs::rename(&beside, path).map_err(|error| failed(&error))
    }
    .await;
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
