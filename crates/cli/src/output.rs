//! All output: data to stdout, everything for people to stderr.

use std::io::{self, IsTerminal as _, Write as _};

use client::progress::{Display, Style};
use console::style;
use serde::Serialize;

use crate::config::Environment;
use crate::failure::Failure;

/// Output of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// True if stderr is a terminal that can overwrite.
    has_bars: bool,
    has_colour: bool,
}

impl Output {
    /// Depends on the command line options and on the kind of stderr.
    pub(crate) fn new(json: bool, quiet: bool, environment: &Environment) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self {
            json,
            quiet,
            has_bars: is_terminal && !environment.dumb_terminal,
            has_colour: is_terminal && !environment.no_color && !environment.dumb_terminal,
        }
    }

    /// True if data is requested as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The progress display.
    pub(crate) fn display(&self) -> Display {
        let style = match (self.quiet, self.has_bars) {
            (true, _) => Style::Silent,
            (false, true) => Style::Bars,
            (false, false) => Style::Lines,
        };
        Display::new(style, write_for_people)
    }

    /// Writes data.
    pub(crate) fn data(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
    }

    /// Writes a line of data.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.data(format!("{text}\n").as_bytes())
    }

    /// Writes data as a line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::unexpected(error.to_string()))?;
        self.line(&text)
    }

    /// Writes a line for people, unless `--quiet` is set.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            write_for_people(text);
        }
    }

    /// Writes an error.
    pub(crate) fn error(&self, text: &str) {
        let word = style("error:").for_stderr().force_styling(self.has_colour).red().bold();
        write_for_people(&format!("{word} {}", printable(text)));
    }

    /// Writes a hint at what to do.
    pub(crate) fn hint(&self, text: &str) {
        write_for_people(&format!("  {}", printable(text)));
    }
}

/// Ignores errors, since a closed stderr cannot be reported.
fn write_for_people(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Text from files and services without terminal control characters.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\tc"), "a\u{fffd}[2Jb\tc");
    }
}
