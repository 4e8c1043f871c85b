//! The command line.

mod file;
mod help;
mod values;

pub(crate) use file::{CheckArgs, FileArgs, ImportArgs};

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use uuid::Uuid;

/// Records from files into the platform, with one outcome for every row
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
    /// Where the service is [env: BULK_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Call as this account, where the service trusts a header [env: BULK_ACCOUNT]
    #[arg(long, global = true, value_name = "ID")]
    pub account: Option<String>,
    /// Address and token that `bulk login` has kept under this name [env: BULK_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Data as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress, no notes
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// An action.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The action's id
    pub id: Option<Uuid>,
    /// The action that was imported last from here
    #[arg(long)]
    pub last: bool,
}

/// A subcommand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Upload a file and wait until every row has an outcome
    #[command(override_help = help::IMPORT)]
    Import(Box<ImportArgs>),
    /// Say what an import would meet; nothing is stored
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
    /// What became of each row: number, status, code, key, message
    #[command(after_help = "Example:\n  bulk logs --last --status failed")]
    Logs(LogsArgs),
    /// The rows with their outcomes as CSV, to be repaired and imported again
    #[command(after_help = "Example:\n  bulk results --last --status failed -o failed.csv")]
    Results(ResultsArgs),
    /// Hold an action
    #[command(after_help = "Example:\n  bulk pause --last")]
    Pause(ShowArgs),
    /// Resume a paused action
    #[command(after_help = "Example:\n  bulk resume --last")]
    Resume(ShowArgs),
    /// Cancel an action; rows that have an outcome keep it
    #[command(after_help = "Example:\n  bulk cancel --last")]
    Cancel(ShowArgs),
    /// Retry what failed in an action
    #[command(after_help = "Example:\n  bulk retry --last && bulk watch --last")]
    Retry(ShowArgs),
    /// List the entities that can be uploaded, or the columns of one
    #[command(after_help = "Example:\n  bulk entities contact")]
    Entities(EntitiesArgs),
    /// Print a CSV template of an entity
    #[command(after_help = "Example:\n  bulk template contact -o contacts.csv")]
    Template(TemplateArgs),
    /// Keep an address and a token, in a file that only you can read
    #[command(
        after_help = "The token is asked for, or read from standard input or BULK_TOKEN.\n\nExample:\n  \
                      bulk login --url https://bulk.example.com < token.txt"
    )]
    Login(LoginArgs),
    /// Completions for a shell
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
    /// Only actions on these records
    #[arg(short, long, value_name = "ENTITY")]
    pub entity: Option<String>,
    /// Most actions
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

/// Options for waiting for the end of an action.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct Waiting {
    /// Write failed rows to FILE, to be repaired and imported again
    #[arg(long, value_name = "FILE")]
    pub failed_to: Option<PathBuf>,
    /// End well though as many as N rows failed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub allow_failures: u64,
    /// Wait this long at most, such as 90s, 10m or 2h
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub timeout: Option<std::time::Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub target: Target,
    /// Only rows that went like this: success, failed, skipped
    #[arg(long, value_name = "STATUS", value_parser = values::row_status)]
    pub status: Option<api_types::RowStatus>,
    /// Most rows
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ResultsArgs {
    #[command(flatten)]
    pub target: Target,
    /// Only such rows: success, failed, skipped, unprocessed
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
    /// What the rows are; `bulk entities` lists what there is
    pub entity: String,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// Keep what is not right too: nothing is asked of the service
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
