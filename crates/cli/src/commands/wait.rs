//! Waits for an action and maps its end to an exit code.

use std::path::Path;
use std::time::Duration;

use api_types::{ActionStatus, DoneView, NewsView, Outcome};
use client::progress::duration;
use client::{LogsQuery, ResultsQuery, Update};
use futures::StreamExt as _;
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::{interval, sleep};
use uuid::Uuid;

use super::interrupted;
use super::results::save_results;
use crate::args::Waiting;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::printable;

/// Interval of checking whether a progress line is due.
const TICK: Duration = Duration::from_secs(1);
/// Number of failed rows that are shown.
const SHOWN_FAILURES: usize = 5;

/// Result of waiting.
enum Ended {
    Over(Box<DoneView>),
    TimeIsOver,
    Interrupted,
}

/// Waits for the end of an action and reports it. `extra` is added to the JSON.
pub(crate) async fn wait(
    context: &Context,
    id: Uuid,
    waiting: &Waiting,
    extra: Map<String, Value>,
) -> Result<Exit, Failure> {
    let mut last = None;
    let ended = follow(context, id, waiting.timeout, &mut last).await;
    context.display.clear();
    let output = &context.output;
    match ended? {
        Ended::Over(done) => {
            let is_allowed = done.stats.progress.failed_records <= signed(waiting.allow_failures);
            let exit = exit_of(&done, is_allowed);
            report(context, id, &done, waiting).await?;
            if output.is_json() {
                output.json(&with_extra(&*done, extra)?)?;
            }
            Ok(exit)
        }
        ended => {
            let (exit, why) = match ended {
                Ended::TimeIsOver => (Exit::StillRunning, "the time is over"),
                _ => (Exit::Interrupted, "interrupted"),
            };
            output.note(&format!("{why}: the action goes on without this command"));
            output.note("  bulk watch --last    waits for it again");
            output.note(&format!("  bulk cancel {id}    stops it"));
            if output.is_json() {
                let mut known = Map::new();
                known.insert("id".to_owned(), id.to_string().into());
                if let Some(Value::Object(news)) = last.and_then(|last| serde_json::to_value(last).ok()) {
                    known.extend(news);
                }
                known.extend(extra);
                output.json(&known)?;
            }
            Ok(exit)
        }
    }
}

async fn follow(
    context: &Context,
    id: Uuid,
    limit: Option<Duration>,
    last: &mut Option<NewsView>,
) -> Result<Ended, Failure> {
    let mut updates = context.client.follow(id);
    let mut tick = interval(TICK);
    let mut interruption = std::pin::pin!(interrupted());
    let mut time_is_over = std::pin::pin!(async {
        match limit {
            Some(limit) => sleep(limit).await,
            None => std::future::pending().await,
        }
    });
    let mut has_said_paused = false;
    context.display.rows(0);
    loop {
        tokio::select! {
            update = updates.next() => match update {
                Some(Ok(Update::Progress(news))) => *last = Some(*news),
                Some(Ok(Update::Done(done))) => return Ok(Ended::Over(done)),
                Some(Err(error)) => return Err(Failure::from(error).hint("`bulk watch --last` waits for the action again")),
                None => return Err(Failure::unexpected("the service stopped telling of the action")),
            },
            _ = tick.tick() => {}
            () = &mut interruption => return Ok(Ended::Interrupted),
            () = &mut time_is_over => return Ok(Ended::TimeIsOver),
        }
        let Some(news) = &*last else { continue };
        let is_paused = news.status == ActionStatus::Paused;
        if is_paused && !has_said_paused {
            context.display.note(&format!("the action is paused; `bulk resume {id}` lets it go on"));
        }
        has_said_paused = is_paused;
        context.display.row_counts(news.status.as_str(), &news.stats.progress);
    }
}

fn signed(count: u64) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

fn exit_of(done: &DoneView, failures_are_allowed: bool) -> Exit {
    match (done.status, done.outcome) {
        (ActionStatus::Cancelled, _) => Exit::Cancelled,
        (ActionStatus::Failed, _) => Exit::ActionFailed,
        (_, Some(Outcome::Success)) => Exit::Fine,
        _ if failures_are_allowed => Exit::Fine,
        _ => Exit::RowsFailed,
    }
}

/// Reports the result to people, and writes the failed rows if requested.
async fn report(context: &Context, id: Uuid, done: &DoneView, waiting: &Waiting) -> Result<(), Failure> {
    let output = &context.output;
    let progress = &done.stats.progress;
    output.note(&summary(done));
    let failed = progress.failed_records;
    if failed > 0 {
        show_failures(context, id, failed).await;
    }
    if let Some(path) = &waiting.failed_to {
        write_failed(context, id, path, failed).await?;
    }
    match done.status {
        ActionStatus::Failed => {
            let action = context.client.action(id).await?;
            let reason = action.error.and_then(|error| error.message.or(Some(error.code)));
            output.error(&reason.unwrap_or_else(|| "the action failed".to_owned()));
            output.hint(&format!("`bulk retry {id}` tries again what was given up on"));
        }
        ActionStatus::Cancelled => {
            output.note(&format!(
                "  bulk results {id} --status unprocessed    gives the rows that were not reached"
            ));
        }
        _ if failed > 0 && waiting.failed_to.is_none() => {
            output.note(&format!("  bulk results {id} --status failed -o failed.csv    gives these rows, to be repaired and imported"));
        }
        _ => {}
    }
    Ok(())
}

fn summary(done: &DoneView) -> String {
    let progress = &done.stats.progress;
    let count = |number: i64| HumanCount(number.try_into().unwrap_or_default());
    let head = match done.status {
        ActionStatus::Completed => "done".to_owned(),
        status => status.to_string(),
    };
    let mut text = format!(
        "{head}: {} rows, {} successful, {} failed, {} skipped",
        count(progress.total_records),
        count(progress.successful_records),
        count(progress.failed_records),
        count(progress.skipped_records),
    );
    let missing = progress.total_records - progress.processed_records;
    if missing > 0 {
        text += &format!(", {} not reached", count(missing));
    }
    let took = done.stats.updated_at.0 - done.stats.created_at.0;
    text += &format!(", in {}", duration(took.num_seconds().try_into().unwrap_or_default()));
    text
}

/// Shows the first failed rows, so that usually no further command is needed. Rows that cannot be fetched are not
/// shown.
async fn show_failures(context: &Context, id: Uuid, failed: i64) {
    let query =
        LogsQuery { status: Some(api_types::RowStatus::Failed), limit: Some(SHOWN_FAILURES), cursor: None };
    let Ok(page) = context.client.logs_page(id, &query).await else { return };
    for entry in &page.data {
        let key = entry.key.as_ref().map_or_else(String::new, |key| format!(" ({key})"));
        let reason = entry.message.as_deref().unwrap_or(&entry.code);
        context.output.note(&printable(&format!("  row {}{key}: {reason}", entry.row)));
    }
    let more = failed - i64::try_from(page.data.len()).unwrap_or_default();
    if more > 0 {
        context.output.note(&format!("  and {more} more: bulk logs {id} --status failed"));
    }
}

async fn write_failed(context: &Context, id: Uuid, path: &Path, failed: i64) -> Result<(), Failure> {
    if failed == 0 {
        // A file of an earlier import, which would be mistaken for this one's.
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::file("remove", path, &error))
            }
            _ => Ok(()),
        };
    }
    let query = ResultsQuery { status: Some("failed".to_owned()), spreadsheet_safe: false };
    save_results(context, id, query, path).await?;
    context.output.note(&format!(
        "  {} has the failed rows: repair them, and import it with the same options",
        path.display()
    ));
    Ok(())
}

fn with_extra(value: &impl Serialize, extra: Map<String, Value>) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(value).map_err(|error| Failure::unexpected(error.to_string()))?;
    if let Value::Object(fields) = &mut value {
        fields.extend(extra);
    }
    Ok(value)
}
