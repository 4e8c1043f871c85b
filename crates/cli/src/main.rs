//! `bulk`: the command line of the platform, for scripts, CI and people in terminals.
//!
//! Data goes to stdout and everything for people to stderr ([`output`]); the exit code tells the result ([`exit`]). An
//! error names the column, the row and the next command ([`failure`]). The id of an action is [remembered](state)
//! before the command waits for it, so that an interruption loses nothing.

mod args;
mod commands;
mod config;
mod context;
mod exit;
mod failure;
mod fields;
mod fingerprint;
mod output;
mod profiles;
mod state;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use config::Environment;
use exit::Exit;
use output::Output;

fn main() -> ExitCode {
    let environment = Environment::read();
    let args = Args::parse();
    let output = Output::new(args.global.json, args.global.quiet, &environment);
    let exit = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let ended = runtime.block_on(commands::run(args, &environment, &output));
            // A pending read of standard input must not delay the exit.
            runtime.shutdown_background();
            ended.unwrap_or_else(|failure| failure.show(&output))
        }
        Err(error) => {
            output.error(&format!("no runtime: {error}"));
            Exit::Unexpected
        }
    };
    exit.into()
}
