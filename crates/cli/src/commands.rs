//! The commands.

mod check;
mod control;
mod entities;
mod import;
mod login;
mod look;
mod results;
mod shell;
mod wait;

use crate::args::{Args, Command};
use crate::config::Environment;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Runs the command.
pub(crate) async fn run(args: Args, environment: &Environment, output: &Output) -> Result<Exit, Failure> {
    let Args { global, command } = args;
    let context = || Context::new(&global, environment, *output);
    match command {
        Command::Completions(args) => shell::completions(output, &args),
        Command::Man(args) => shell::man(output, &args),
        Command::Login(args) => login::login(&global, environment, output, &args).await,
        Command::Import(args) => import::import(&context()?, &args).await,
        Command::Check(args) => check::check(&context()?, &args).await,
        Command::List(args) => look::list(&context()?, &args).await,
        Command::Show(args) => look::show(&context()?, &args).await,
        Command::Logs(args) => look::logs(&context()?, &args).await,
        Command::Watch(args) => {
            let context = context()?;
            let id = context.id(&args.target)?;
            wait::wait(&context, id, &args.waiting, serde_json::Map::new()).await
        }
        Command::Results(args) => results::results(&context()?, &args).await,
        Command::Pause(args) => control::control(&context()?, &args, control::Verb::Pause).await,
        Command::Resume(args) => control::control(&context()?, &args, control::Verb::Resume).await,
        Command::Cancel(args) => control::control(&context()?, &args, control::Verb::Cancel).await,
        Command::Retry(args) => control::control(&context()?, &args, control::Verb::Retry).await,
        Command::Entities(args) => entities::entities(&context()?, &args).await,
        Command::Template(args) => entities::template(&context()?, &args).await,
    }
}

/// Completes when the user or the system interrupts the command.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            },
            // Without a handler the signal ends the process directly.
            Err(_) => std::future::pending().await,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
