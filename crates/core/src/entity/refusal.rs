//! Database errors caused by the data of a row.

/// The database's reason for refusing a row, as a sentence for the uploader; `None` if the error is not caused by the
/// row's data.
///
/// Decided by SQLSTATE (<https://www.postgresql.org/docs/15/errcodes-appendix.html>), never by message text, since a
/// message may repeat the value. Names of constraints are left out, because they reveal the schema. Class 22: data
/// exception; 23: integrity constraint violation; 44: WITH CHECK OPTION violation; 54: program limit exceeded (for
/// example an index entry that is too long); P0001: an exception raised by a trigger.
pub(super) fn refusal(error: &sqlx::Error) -> Option<String> {
    let database = error.as_database_error()?;
    let code = database.code()?;
    let sentence = match code.as_ref() {
        "23505" => "another record already has this value",
        "23502" => "a required value is missing",
        "23503" => "another record that it refers to does not exist, or refers to it",
        code if code.starts_with("23") || code.starts_with("44") => {
            "the record breaks a rule of the database"
        }
        code if code.starts_with("22") => "a value cannot be stored",
        code if code.starts_with("54") => "a value is too large to be stored",
        "P0001" => "the database refused the record",
        _ => return None,
    };
    Some(sentence.to_owned())
}
