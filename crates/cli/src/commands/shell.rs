//! `bulk completions` and `man`: generated from the command line's own description.

use std::fs;

use clap::CommandFactory as _;

use crate::args::{Args, CompletionsArgs, ManArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Writes the completion script of a shell.
pub(crate) fn completions(output: &Output, args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "bulk", &mut script);
    output.data(&script)?;
    Ok(Exit::Fine)
}

/// Writes a page for `bulk` and for each of its commands.
pub(crate) fn man(output: &Output, args: &ManArgs) -> Result<Exit, Failure> {
    let failed = |error: &std::io::Error| Failure::file("write", &args.directory, error);
    fs::create_dir_all(&args.directory).map_err(|error| failed(&error))?;
    clap_mangen::generate_to(Args::command(), &args.directory).map_err(|error| failed(&error))?;
    output.note(&format!("the pages are in {}", args.directory.display()));
    Ok(Exit::Fine)
}
