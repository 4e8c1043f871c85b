//! The command line.

mod file;
mod help;
mod values;

pub(crate) use file::{CheckArgs, FileArgs, ImportArgs};

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use uuid::Uuid;

/// Import records from files, with one outcome for every row
#[derive(Debug, Parser)]
#[command(name = "bulk", version, override_help = help::TOP)]
pub(crate) struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The options of every command.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct Global {
    /// Address of the service [env: BULK_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Account, if the service trusts the account-id header [env: BULK_ACCOUNT]
    #[arg(long, global = true, value_name = "ID")]
    pub account: Option<String>,
    /// Profile saved by `bulk login` [env: BULK_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Print neither progress nor notes
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// An action.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The action's id
    pub id: Option<Uuid>,
    /// The last import of this user on this machine
    #[arg(long)]
    pub last: bool,
}

/// A subcommand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upload a file and wait until every row has an outcome
    #[command(override_help = help::IMPORT)]
    Import(Box<ImportArgs>),
    /// Check a file without storing anything
    #[command(override_help = help::CHECK)]
    Check(Box<CheckArgs>),
    /// List your actions, newest first
    #[command(after_help = "Example:\n  bulk list --status failed --limit 5")]
    List(ListArgs),
    /// Show an action
    #[command(after_help = "Example:\n  bulk show --last")]
    Show(ShowArgs),
    /// Wait for the end of an action; the exit code is that of its import
    #[command(after_help = "Example:\n  bulk watch --last --timeout 10m")]
    Watch(WatchArgs),
    /// Show the outcome of each row: number, status, code, key, message
    #[command(after_help = "Example:\n  bulk logs --last --status failed")]
    Logs(LogsArgs),
    /// Download the rows with their outcomes as CSV, to correct and import again
    #[command(after_help = "Example:\n  bulk results --last --status failed -o failed.csv")]
    Results(ResultsArgs),
    /// Pause an action
    #[command(after_help = "Example:\n  bulk pause --last")]
    Pause(ShowArgs),
    /// Resume a paused action
    #[command(after_help = "Example:\n  bulk resume --last")]
    Resume(ShowArgs),
    /// Cancel an action; rows that have an outcome keep it
    #[command(after_help = "Example:\n  bulk cancel --last")]
    Cancel(ShowArgs),
    /// Retry a failed action; rows that have an outcome keep it
    #[command(after_help = "Example:\n  bulk retry --last && bulk watch --last")]
    Retry(ShowArgs),
    /// List the entities that can be uploaded, or the columns of one
    #[command(after_help = "Example:\n  bulk entities contact")]
    Entities(EntitiesArgs),
    /// Print a CSV template of an entity
    #[command(after_help = "Example:\n  bulk template contact -o contacts.csv")]
    Template(TemplateArgs),
    /// Save address and token in a file that only you can read
    #[command(
        after_help = "The token is asked for, or read from standard input or BULK_TOKEN.\n\nExample:\n  \
                      bulk login --url https://bulk.example.com < token.txt"
    )]
    Login(LoginArgs),
    /// Print completions for a shell
    #[command(after_help = "Example:\n  bulk completions bash > /etc/bash_completion.d/bulk")]
    Completions(CompletionsArgs),
    /// Write the manual pages into a directory
    #[command(after_help = "Example:\n  bulk man /usr/local/share/man/man1")]
    Man(ManArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListArgs {
    /// Only actions in this state
    #[arg(long, value_name = "STATUS", value_parser = values::action_status)]
    pub status: Option<api_types::ActionStatus>,
    /// Only actions of this entity
    #[arg(short, long, value_name = "ENTITY")]
    pub entity: Option<String>,
    /// Maximum number of actions
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub target: Target,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub waiting: Waiting,
}

/// Options of waiting for the end of an action.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct Waiting {
    /// Write failed rows to FILE, to correct and import again
    #[arg(long, value_name = "FILE")]
    pub failed_to: Option<PathBuf>,
    /// Succeed with at most N failed rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub allow_failures: u64,
    /// Wait at most this long, such as 90s, 10m or 2h
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub timeout: Option<std::time::Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub target: Target,
    /// Only rows with this status: success, failed, skipped
    #[arg(long, value_name = "STATUS", value_parser = values::row_status)]
    pub status: Option<api_types::RowStatus>,
    /// Maximum number of rows
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ResultsArgs {
    #[command(flatten)]
    pub target: Target,
    /// Only rows with this status: success, failed, skipped, unprocessed
    #[arg(long, value_name = "STATUS", value_parser = values::result_status)]
    pub status: Option<String>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Change values that a spreadsheet would run as a formula
    #[arg(long)]
    pub spreadsheet_safe: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct EntitiesArgs {
    /// Entity whose columns to list
    #[arg(value_name = "ENTITY")]
    pub name: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TemplateArgs {
    /// Entity of the rows; `bulk entities` lists all
    pub entity: String,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// Save without asking the service whether they are valid
    #[arg(long)]
    pub no_check: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// bash, zsh, fish or powershell
    #[arg(value_parser = values::shell)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ManArgs {
    /// Directory for the pages
    pub directory: PathBuf,
}
