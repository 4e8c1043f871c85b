//! Output for the user: results to stdout and progress to stderr, so that scripts can read the results.

/// Prints a line of result, such as `ready http://…`.
#[allow(clippy::print_stdout, reason = "printing results is what this command line tool is for")]
pub fn result(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

/// Prints a progress line.
#[allow(clippy::print_stderr, reason = "the progress of a command line tool belongs on stderr")]
pub fn progress(line: impl AsRef<str>) {
    eprintln!("{}", line.as_ref());
}
