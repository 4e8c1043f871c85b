//! `bulk list`, `show` and `logs`.

use api_types::ActionView;
use client::{ListQuery, LogsQuery};
use futures::StreamExt as _;

use crate::args::{ListArgs, LogsArgs, ShowArgs};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::printable;
use crate::table;

/// Actions requested per page.
const PAGE: usize = 100;

/// Lists actions.
pub(crate) async fn list(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    let query = ListQuery { status: args.status, entity: args.entity.clone() };
    let wanted = args.limit as usize;
    let size = wanted.min(PAGE);
    let mut actions: Vec<ActionView> = Vec::new();
    let mut number = 1;
    while actions.len() < wanted {
        let page = context.client.list(&query, number, size).await?;
        actions.extend(page.data);
        number += 1;
        if !page.pagination.has_next {
            break;
        }
    }
    actions.truncate(wanted);
    if context.output.is_json() {
        context.output.json(&actions)?;
        return Ok(Exit::Fine);
    }
    let rows: Vec<_> = actions.iter().map(row).collect();
    let header = ["ID", "CREATED", "STATUS", "ENTITY", "ACTION", "ROWS", "FAILED", "FILE"];
    for line in table::lines(header, &rows) {
        context.output.line(&line)?;
    }
    Ok(Exit::Fine)
}

fn row(action: &ActionView) -> [String; 8] {
    let status = match action.outcome {
        Some(outcome) => format!("{} ({outcome})", action.status),
        None => action.status.to_string(),
    };
    [
        action.id.to_string(),
        action.created_at.0.format("%Y-%m-%d %H:%M").to_string(),
        status,
        action.entity_type.clone(),
        action.action_type.as_str().trim_start_matches("bulk_").to_owned(),
        action.total_entities.to_string(),
        action.progress.failed_records.to_string(),
        action.file.file_name.clone(),
    ]
}

/// Shows one action.
pub(crate) async fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let action = context.client.action(context.id(&args.target)?).await?;
    if context.output.is_json() {
        context.output.json(&action)?;
        return Ok(Exit::Fine);
    }
    for (name, value) in facts(&action) {
        context.output.line(&printable(&format!("{name:<11}{value}")))?;
    }
    Ok(Exit::Fine)
}

fn facts(action: &ActionView) -> Vec<(&'static str, String)> {
    let progress = &action.progress;
    let mut facts = vec![
        ("id", action.id.to_string()),
        ("status", action.status.to_string()),
        ("file", format!("{} ({} bytes)", action.file.file_name, action.file.file_size)),
        ("action", format!("{} {}", action.action_type, action.entity_type)),
        ("rows", progress.total_records.to_string()),
        ("successful", progress.successful_records.to_string()),
        ("failed", progress.failed_records.to_string()),
        ("skipped", progress.skipped_records.to_string()),
        ("created", action.created_at.to_string()),
    ];
    facts.extend(action.outcome.map(|outcome| ("outcome", outcome.to_string())));
    facts.extend(
        action
            .error
            .as_ref()
            .map(|error| ("error", error.message.clone().unwrap_or_else(|| error.code.clone()))),
    );
    facts.extend(action.configuration.dry_run.then(|| ("dry run", "no record was changed".to_owned())));
    for (name, instant) in [
        ("scheduled", action.scheduled_at),
        ("started", action.started_at),
        ("completed", action.completed_at),
    ] {
        facts.extend(instant.map(|instant| (name, instant.to_string())));
    }
    facts.extend(action.trace_id.map(|trace_id| ("trace", trace_id.to_string())));
    facts
}

/// Prints the outcomes of rows.
pub(crate) async fn logs(context: &Context, args: &LogsArgs) -> Result<Exit, Failure> {
    let id = context.id(&args.target)?;
    let most = args.limit.unwrap_or(usize::MAX);
    let query = LogsQuery { status: args.status, cursor: None, limit: Some(most.clamp(1, 1000)) };
    let mut rows = std::pin::pin!(context.client.logs(id, query).take(most));
    // Written in batches of a thousand rows, since writing line by line would cost a system call per row.
    let mut text = String::new();
    while let Some(entry) = rows.next().await {
        let entry = entry?;
        if context.output.is_json() {
            text += &serde_json::to_string(&entry).map_err(|error| Failure::unexpected(error.to_string()))?;
        } else {
            let key = entry.key.as_deref().unwrap_or_default();
            let message = entry.message.as_deref().unwrap_or_default();
            let one_line = |cell: &str| printable(cell).replace(['\n', '\t'], " ");
            let (key, message) = (one_line(key), one_line(message));
            text += &format!("{}\t{}\t{}\t{key}\t{message}", entry.row, entry.status, entry.code);
        }
        text.push('\n');
        if text.len() >= 64 * 1024 {
            context.output.data(std::mem::take(&mut text).as_bytes())?;
        }
    }
    context.output.data(text.as_bytes())?;
    Ok(Exit::Fine)
}
