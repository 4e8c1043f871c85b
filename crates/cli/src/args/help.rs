//! Help texts of the commands with many options, each sized to fit on a screen. A test compares them with the actual
//! options.

/// Help of `bulk` itself.
pub(crate) const TOP: &str = "\
Import records from files, with one outcome for every row

  bulk import FILE -e ENTITY       upload a file, wait until every row has an outcome
  bulk check FILE -e ENTITY        check a file without storing anything
  bulk watch ID                    wait for the end of an action
  bulk list                        your actions, newest first
  bulk show ID                     everything about one
  bulk logs ID                     the outcome of each row
  bulk results ID                  the rows as CSV, to correct and import again
  bulk pause|resume|cancel|retry ID
  bulk entities [ENTITY]           what can be uploaded
  bulk template ENTITY             a CSV file to start from
  bulk login --url URL             save an address and a token
  bulk completions SHELL           for bash, zsh, fish, powershell
  bulk man DIRECTORY               manual pages

An ID may be --last. For every command: --url URL, --account ID, --profile NAME, --json, -q/--quiet,
-h/--help. Environment: BULK_URL, BULK_TOKEN, BULK_ACCOUNT, BULK_PROFILE, NO_COLOR. Exit: 0 success,
1 unreachable, 2 usage, 3 rows failed, 4 action failed, 5 cancelled, 6 refused, 7 not authorised,
8 timed out, 130 interrupted.

Example: bulk import contacts.csv -e contact --upsert --failed-to failed.csv
";

/// The options that `bulk import` and `bulk check` share.
macro_rules! file_options {
    () => {
        "\
FILE is CSV (also gzipped) or .xlsx, - for standard input. --create is the default.
  --map HEADER=COLUMN, --map-file FILE    map a column of the file to one of the entity
  --ignore HEADER, --ignore-unknown       ignore a column; all unknown columns
  --default COLUMN=VALUE                  value of every row, for a column the file lacks
  --encoding LABEL, --delimiter CHAR, --sheet NAME, --header-line N (if titles are above it)
  --timezone ZONE, --decimal point|comma  zone of times without one; 1.5 or 1,5
  --empty-cells keep|clear                whether an empty cell keeps or clears the value
  --short-rows fail|fill                  whether a row with too few cells fails
  --deduplicate                           skip rows whose key has occurred in the file
  --on-conflict skip|error|update         what --create does with an existing record"
    };
}

/// Help of `bulk import`.
pub(crate) const IMPORT: &str = concat!(
    "\
Upload a file and wait until every row has an outcome

Usage: bulk import FILE -e ENTITY [--create|--update|--upsert|--delete] [OPTIONS]

",
    file_options!(),
    "
  --dry-run                               report every outcome, change no record
  --at TIME, --detach                     start at TIME; do not wait for the end
  --failed-to FILE                        write failed rows to FILE, to correct them
  --allow-failures N                      exit 0 with at most N failed rows
  --timeout TIME                          wait at most 90s, 10m, 2h; then exit 8
  --force, --key KEY                      import the same file again; your own key
The same file with the same options is imported once. The id goes to stdout. More: bulk --help

Example: bulk import people.csv -e contact --upsert --map 'E-Mail=email' --failed-to failed.csv
"
);

/// Help of `bulk check`.
pub(crate) const CHECK: &str = concat!(
    "\
Check a file without storing anything

Usage: bulk check FILE -e ENTITY [--create|--update|--upsert|--delete] [OPTIONS]

",
    file_options!(),
    "
Exit: 0 no problem found, 3 rows of the sample would fail, 6 the file would be refused.

Example: bulk check people.csv -e contact
"
);

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::args::Args;

    const MOST_LINES: usize = 24;

    #[test]
    fn help_fits_on_a_screen_and_names_every_option() {
        let mut command = Args::command();
        command.build();
        let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        for name in names.iter().filter(|name| *name != "help") {
            assert!(super::TOP.contains(name.as_str()), "bulk --help does not name {name}");
            let sub = command.find_subcommand_mut(name).unwrap();
            let help = sub.render_help().to_string();
            assert!(help.lines().count() <= MOST_LINES, "{name} has {} lines:\n{help}", help.lines().count());
            assert!(help.contains("Example"), "{name}");
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
            for argument in sub.get_arguments().filter(|argument| !argument.is_global_set()) {
                let option = argument.get_long().filter(|long| *long != "help");
                assert!(option.is_none_or(|long| help.contains(long)), "{name} does not name {option:?}");
            }
        }
        assert!(super::TOP.lines().count() <= MOST_LINES);
    }

    #[test]
    fn the_command_line_holds_together() {
        Args::command().debug_assert();
    }
}
