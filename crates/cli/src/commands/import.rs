//! `bulk import`: uploads a file as one action and exits with the result.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::{Created, Source, Upload};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::interrupted;
use super::wait::wait;
use crate::args::ImportArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::{Fields, of_import};
use crate::fingerprint;
use crate::output::printable;

/// Result of the upload.
enum Uploaded {
    Created(Box<Created>),
    /// Interrupted, with whether the service had received everything.
    Interrupted {
        was_whole: bool,
    },
}

/// Imports a file.
pub(crate) async fn import(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let fields = of_import(args)?;
    refuse_to_overwrite(args)?;
    let source = source(&args.file.file).await?;
    let Some(key) = key(args, &source, &fields).await? else {
        context.output.note("interrupted: nothing was uploaded");
        return Ok(Exit::Interrupted);
    };
    let created = match upload(context, args, source, fields, key).await? {
        Uploaded::Created(created) => created,
        Uploaded::Interrupted { was_whole } => {
            context.output.note(if was_whole {
                "interrupted while the service was deciding: the same command again finds the action, if one was made"
            } else {
                "interrupted: the upload was not complete, so no action was made"
            });
            return Ok(Exit::Interrupted);
        }
    };
    let Created { action, is_new } = *created;
    // Before anything else: the action exists from now on, even if this command fails.
    let is_remembered = context.state.remember(action.id);
    if !context.output.is_json() {
        context.output.line(&action.id.to_string())?;
    }
    say_what_was_made(context, &action, is_new, is_remembered);
    let mut extra = Map::new();
    extra.insert("isNew".to_owned(), is_new.into());
    if args.detach || args.at.is_some() {
        if context.output.is_json() {
            let mut view = serde_json::to_value(&action).unwrap_or_default();
            if let Value::Object(view) = &mut view {
                view.extend(extra);
            }
            context.output.json(&view)?;
        }
        return Ok(Exit::Fine);
    }
    wait(context, action.id, &args.waiting, extra).await
}

fn say_what_was_made(context: &Context, action: &api_types::CreatedView, is_new: bool, is_remembered: bool) {
    let output = &context.output;
    if !is_new {
        let created_at = action.created_at.0.format("%Y-%m-%d %H:%M:%S UTC");
        output.note(&format!(
            "this file was imported with the same options before ({created_at}), so no second action was made"
        ));
        output.note("  --force makes a new one");
    }
    if let Some(at) = action.scheduled_at {
        output.note(&format!(
            "{} rows wait for {at}; `bulk watch {}` waits with them",
            action.total_entities, action.id
        ));
    }
    if !is_remembered {
        output.note("  the id could not be kept, so --last does not find this action");
    }
}

/// Refuses to write failed rows over the imported file.
fn refuse_to_overwrite(args: &ImportArgs) -> Result<(), Failure> {
    let Some(target) = &args.waiting.failed_to else { return Ok(()) };
    let same = |a: &Path, b: &Path| {
        a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    if same(target, &args.file.file) {
        return Err(Failure::usage(
            "--failed-to names the file that is imported: its good rows would be lost",
        )
        .hint("name another file"));
    }
    Ok(())
}

/// The content to upload.
pub(super) async fn source(file: &Path) -> Result<Source, Failure> {
    if file.as_os_str() == "-" {
        return Ok(Source::reader(tokio::io::stdin()));
    }
    Ok(Source::file(file).await?)
}

/// The file name that the service displays.
pub(super) fn file_name(file: &Path) -> String {
    match file.file_name().filter(|name| *name != "-") {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "stdin.csv".to_owned(),
    }
}

/// Media type by the file's name; the service examines the content.
pub(super) fn media_type(file_name: &str) -> &'static str {
    let name = file_name.to_ascii_lowercase();
    if name.ends_with(".gz") || name.ends_with(".xlsx") { "application/octet-stream" } else { "text/csv" }
}

/// The idempotency key of the import; `None` if the command was interrupted. A source that can be read only once cannot
/// be hashed beforehand, so without a given key each such import is a new one.
async fn key(args: &ImportArgs, source: &Source, fields: &Fields) -> Result<Option<String>, Failure> {
    if let Some(key) = &args.key {
        return Ok(Some(key.clone()));
    }
    let path = match source.path() {
        Some(path) if !args.force => path.to_owned(),
        _ => return Ok(Some(format!("bulk-{}", Uuid::new_v4()))),
    };
    let fields = fields.clone();
    let of_file = path.clone();
    let hashed = tokio::task::spawn_blocking(move || fingerprint::key(&of_file, &fields));
    tokio::select! {
        key = hashed => match key {
            Ok(Ok(key)) => Ok(Some(key)),
            Ok(Err(error)) => Err(Failure::file("read", &path, &error)),
            Err(error) => Err(Failure::unexpected(error.to_string())),
        },
        () = interrupted() => Ok(None),
    }
}

async fn upload(
    context: &Context,
    args: &ImportArgs,
    source: Source,
    fields: Fields,
    key: String,
) -> Result<Uploaded, Failure> {
    let file_name = file_name(&args.file.file);
    let total = source.path().and_then(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len());
    let show = context.display.upload(&printable(&file_name), total);
    let is_whole = Arc::new(AtomicBool::new(false));
    let whole = is_whole.clone();
    let mut upload = Upload::new(source, file_name.clone())
        .media_type(media_type(&file_name))
        .idempotency_key(Some(key))
        .on_sent(move |sent| {
            whole.store(sent.is_whole, Ordering::Release);
            show(sent);
        });
    for (name, value) in fields {
        upload = upload.field(name, value);
    }
    let ended = tokio::select! {
        created = context.client.upload(&upload) => Ok(Uploaded::Created(Box::new(created?))),
        () = interrupted() => Ok(Uploaded::Interrupted { was_whole: is_whole.load(Ordering::Acquire) }),
    };
    context.display.clear();
    ended
}
