//! `KEY=value` files: the displayed settings, and the secrets and ports that are kept between runs.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Settings by name, as environment variables hold them.
pub type Variables = BTreeMap<String, String>;

/// Writes one `KEY=value` line per setting. The file is always complete or absent, and only its owner can read it,
/// because it contains passwords.
pub fn write(path: &Path, settings: &Variables) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    for (key, value) in settings {
        writeln!(file, "{key}={value}")?;
    }
    fs::rename(unfinished, path)
}

/// Reads a file written by [`write()`]; a missing file is empty.
pub fn read(path: &Path) -> io::Result<Variables> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Variables::new()),
        Err(error) => return Err(error),
    };
    Ok(text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_variables_are_read_again_and_hidden_from_others() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("env");
        let settings = Variables::from([
            ("DATABASE_URL".to_owned(), "postgres://a:b@127.0.0.1:1/c?x=y".to_owned()),
            ("LOKI_URL".to_owned(), String::new()),
        ]);
        write(&path, &settings).unwrap();
        assert_eq!(read(&path).unwrap(), settings);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }

    #[test]
    fn a_missing_file_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir.path().join("env")).unwrap(), Variables::new());
    }
}
