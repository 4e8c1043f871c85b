//! What the person at the terminal reads. Results go to stdout, progress to stderr, so that a script can read the former.

/// Prints a line of result, such as `ready http://…`.
#[allow(clippy::print_stdout, reason = "printing results is what this command line tool is for")]
pub fn result(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

/// Prints a line about what is going on.
#[allow(clippy::print_stderr, reason = "the progress of a command line tool belongs on stderr")]
pub fn progress(line: impl AsRef<str>) {
    eprintln!("{}", line.as_ref());
}
