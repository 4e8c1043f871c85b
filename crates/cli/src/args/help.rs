//! Help texts of the commands with many options, each sized to fit on a screen. A test compares them with the actual
//! options.

/// Help of `bulk` itself.
pub(crate) const TOP: &str = "\
Records from files into the platform, with one outcome for every row

  bulk import FILE -e ENTITY       upload a file, wait until every row has an outcome
  bulk check FILE -e ENTITY        say what an import would meet; nothing is stored
  bulk watch ID                    wait for the end of an action
  bulk list                        your actions, newest first
  bulk show ID                     everything about one
  bulk logs ID                     what became of each row
  bulk results ID                  the rows as CSV, to be repaired and imported again
  bulk pause|resume|cancel|retry ID
  bulk entities [ENTITY]           what can be uploaded
  bulk template ENTITY             a CSV file to start from
  bulk login --url URL             keep an address and a token
  bulk completions SHELL           for bash, zsh, fish, powershell
  bulk man DIRECTORY               manual pages

An ID may be --last. Of every command: --url URL, --account ID, --profile NAME, --json, -q/--quiet,
-h/--help. Environment: BULK_URL, BULK_TOKEN, BULK_ACCOUNT, BULK_PROFILE, NO_COLOR. Exit: 0 fine,
1 unreachable, 2 usage, 3 rows failed, 4 action failed, 5 cancelled, 6 refused, 7 not authorised,
8 --timeout over, 130 interrupted.

Example: bulk import contacts.csv -e contact --upsert --failed-to failed.csv
";

/// Help of `bulk import`.
pub(crate) const IMPORT: &str = "\
Upload a file and wait until every row has an outcome

Usage: bulk import FILE -e ENTITY [--create|--update|--upsert|--delete] [OPTIONS]

FILE is CSV, the same gzipped, or .xlsx; - is standard input. --create is the default.
  --map HEADER=COLUMN, --map-file FILE    a column of the file is this one of the entity (JSON)
  --ignore HEADER, --ignore-unknown       leave a column out; all that are unknown
  --default COLUMN=VALUE                  a value for every row, for a column the file lacks
  --encoding LABEL, --delimiter CHAR, --sheet NAME, --header-line N (titles stand above line N)
  --timezone ZONE, --decimal point|comma  of dates without a zone; how numbers are written
  --empty-cells keep|clear                an empty cell keeps the stored value, or clears it
  --short-rows fail|fill                  a row with missing last cells fails, or is filled up
  --deduplicate                           skip rows whose key was seen before in the file
  --on-conflict skip|error|update         what --create does with a record that exists
  --dry-run                               every row gets its outcome, no record is changed
  --at TIME, --detach                     begin then; do not wait for the end
  --failed-to FILE                        write failed rows to FILE, to be repaired
  --allow-failures N                      end with 0 though as many as N rows failed
  --timeout TIME                          wait this long at most: 90s, 10m, 2h; then exit 8
  --force, --key KEY                      a second action of the same file; a key of your own
The same file with the same options makes one action. The id goes to stdout. More: bulk --help

Example: bulk import people.csv -e contact --upsert --map 'E-Mail=email' --failed-to failed.csv
";

/// Help of `bulk check`.
pub(crate) const CHECK: &str = "\
Say what an import would meet; nothing is stored

Usage: bulk check FILE -e ENTITY [--create|--update|--upsert|--delete] [OPTIONS]

FILE is CSV, the same gzipped, or .xlsx; - is standard input. --create is the default.
  --map HEADER=COLUMN, --map-file FILE    a column of the file is this one of the entity (JSON)
  --ignore HEADER, --ignore-unknown       leave a column out; all that are unknown
  --default COLUMN=VALUE                  a value for every row, for a column the file lacks
  --encoding LABEL, --delimiter CHAR, --sheet NAME, --header-line N (titles stand above line N)
  --timezone ZONE, --decimal point|comma  of dates without a zone; how numbers are written
  --empty-cells keep|clear                an empty cell keeps the stored value, or clears it
  --short-rows fail|fill                  a row with missing last cells fails, or is filled up
  --deduplicate                           skip rows whose key was seen before in the file
  --on-conflict skip|error|update         what --create does with a record that exists
Exit: 0 nothing wrong was found, 3 rows of the sample would fail, 6 the file would be refused.

Example: bulk check people.csv -e contact
";

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
