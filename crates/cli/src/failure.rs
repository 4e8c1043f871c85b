//! Reason of a command's failure: one sentence, the individual problems, and the next step. All errors end here.
//! Nothing is shown with a backtrace, and nothing here contains the token.

use std::io;
use std::path::Path;

use client::{ClientError, Refusal};

use crate::exit::Exit;
use crate::output::Output;

/// Reason of a command's early end.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// `None` prints nothing, for example after the reader of a pipe has closed it.
    message: Option<String>,
    /// The individual problems, then the next step.
    hints: Vec<String>,
}

impl Failure {
    /// A failure that ends with `exit`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()), hints: Vec::new() }
    }

    /// An invalid command line, local file or setting.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An unexpected error.
    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(Exit::Unexpected, message)
    }

    /// A local file cannot be used.
    pub(crate) fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// stdout cannot be written. A reader that has seen enough (`bulk list | head`) is not an error.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Fine, message: None, hints: Vec::new() };
        }
        Self::unexpected(format!("cannot write to standard output: {error}"))
    }

    /// Adds a hint at what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Prints the failure and returns the exit code.
    pub(crate) fn show(self, output: &Output) -> Exit {
        if let Some(message) = self.message {
            output.error(&message);
        }
        self.hints.iter().for_each(|hint| output.hint(hint));
        self.exit
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Refused(refusal) => of_refusal(refusal),
            ClientError::Unreachable { .. } => Self::unexpected(error.to_string()).hint(
                "is the address right, and the service up? BULK_URL, --url or `bulk login` say where it is",
            ),
            ClientError::BrokenOff { .. } => Self::unexpected(error.to_string())
                .hint("the same command again goes on where this one ended: an import is never made twice"),
            ClientError::Foreign { .. } => Self::unexpected(error.to_string())
                .hint("is the address right? BULK_URL, --url or `bulk login` say where the service is"),
            ClientError::Source { .. } | ClientError::Setup(_) => Self::usage(error.to_string()),
        }
    }
}

fn of_refusal(refusal: &Refusal) -> Failure {
    let exit = match refusal.status {
        401 | 403 => Exit::NotAuthorised,
        500 | 502..=504 => Exit::Unexpected,
        _ => Exit::Refused,
    };
    let mut failure = Failure::new(exit, refusal.message.clone());
    for detail in &refusal.details {
        let flag = flag(&detail.field).map_or_else(String::new, |flag| format!("  ({flag})"));
        failure = failure.hint(format!("{}: {}{flag}", detail.field, detail.message));
    }
    if let Some(advice) = advice(refusal) {
        failure = failure.hint(advice);
    }
    if let (Exit::Unexpected, Some(trace_id)) = (exit, refusal.trace_id) {
        failure = failure.hint(format!("the service's log has more under {trace_id}"));
    }
    failure
}

/// The next step for the user.
fn advice(refusal: &Refusal) -> Option<String> {
    let has_column =
        refusal.details.iter().any(|detail| flag(&detail.field).is_none() && detail.field != "file");
    let advice = match (refusal.status, refusal.code.as_str()) {
        (401, _) => {
            "say who you are by BULK_TOKEN, or once by `bulk login` (BULK_ACCOUNT where the service trusts a header)"
        }
        (403, _) => "a token with that scope is needed: BULK_TOKEN or `bulk login` takes another",
        (404, _) => "`bulk list` shows your actions, `bulk entities` what can be uploaded",
        (_, "file_too_large" | "too_many_rows") => "split the file, and import the parts one after another",
        (_, "quota_exceeded") => "wait for an action to end, or remove finished ones",
        (429 | 503, _) => "try again later",
        (400, _) if has_column => {
            "`--map HEADER=COLUMN` says which column is meant, `--ignore HEADER` leaves it out, `--ignore-unknown` all \
             that are unknown; `bulk entities` lists the columns"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The option that sets a field of the upload.
fn flag(field: &str) -> Option<&'static str> {
    Some(match field {
        "entityType" => "--entity",
        "actionType" => "--create, --update, --upsert or --delete",
        "mapping" => "--map, --map-file",
        "unknownColumns" => "--ignore-unknown",
        "defaults" => "--default",
        "scheduledAt" => "--at",
        "deduplicate" => "--deduplicate",
        "onConflict" => "--on-conflict",
        "emptyCells" => "--empty-cells",
        "shortRows" => "--short-rows",
        "encoding" => "--encoding",
        "delimiter" => "--delimiter",
        "headerLine" => "--header-line",
        "timezone" => "--timezone",
        "decimal" => "--decimal",
        "sheet" => "--sheet",
        "dryRun" => "--dry-run",
        "Idempotency-Key" => "--key",
        "status" => "--status",
        "limit" => "--limit",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use api_types::Detail;

    use super::*;

    fn refused(status: u16, code: &str, details: Vec<Detail>) -> Failure {
        let refusal = Refusal {
            status,
            code: code.to_owned(),
            message: "no".to_owned(),
            details,
            trace_id: None,
            retry_after: None,
        };
        ClientError::Refused(Box::new(refusal)).into()
    }

    #[test]
    fn a_refusal_names_the_option_or_the_column_and_the_way_on() {
        let failure = refused(400, "validation_failed", vec![Detail::new("encoding", "is windows-1252")]);
        assert_eq!(failure.exit, Exit::Refused);
        assert_eq!(failure.hints, ["encoding: is windows-1252  (--encoding)"]);
        let failure = refused(400, "validation_failed", vec![Detail::new("Vorname", "is no column")]);
        assert!(failure.hints[1].contains("--map HEADER=COLUMN"), "{:?}", failure.hints);
    }

    #[test]
    fn each_kind_of_refusal_has_its_exit() {
        for (status, code, exit) in [
            (401, "unauthorized", Exit::NotAuthorised),
            (403, "forbidden", Exit::NotAuthorised),
            (404, "not_found", Exit::Refused),
            (409, "conflict", Exit::Refused),
            (429, "quota_exceeded", Exit::Refused),
            (500, "internal", Exit::Unexpected),
            (503, "unavailable", Exit::Unexpected),
        ] {
            assert_eq!(refused(status, code, Vec::new()).exit, exit, "{status}");
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let failure = Failure::output(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit, failure.message), (Exit::Fine, None));
    }
}
