//! `bulk pause`, `resume`, `cancel` and `retry`.

use crate::args::ShowArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Operation on an action.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    /// Pause it.
    Pause,
    /// Resume it.
    Resume,
    /// Cancel it.
    Cancel,
    /// Retry what failed.
    Retry,
}

/// Performs the operation and reports the action's new state.
pub(crate) async fn control(context: &Context, args: &ShowArgs, verb: Verb) -> Result<Exit, Failure> {
    let (id, client) = (context.id(&args.target)?, &context.client);
    let moved = match verb {
        Verb::Pause => client.pause(id).await,
        Verb::Resume => client.resume(id).await,
        Verb::Cancel => client.cancel(id).await,
        Verb::Retry => client.retry(id).await,
    };
    let action = moved?;
    if context.output.is_json() {
        context.output.json(&action)?;
    } else {
        context.output.line(&id.to_string())?;
    }
    context.output.note(&format!("the action is {}", action.status));
    Ok(Exit::Fine)
}
