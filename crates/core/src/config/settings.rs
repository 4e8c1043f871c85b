//! Raw settings: names and strings, not interpreted yet.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::Read;

use super::{ConfigError, Problem, known_variables};

/// Raw settings by variable name. `Debug` prints only the names, because some values are secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The environment of this process, completed by a `.env` file in the working directory or a parent directory. A
    /// variable of the process wins over the file, even if it is empty.
    ///
    /// # Errors
    /// If the `.env` file exists but cannot be read, or a variable that the services read is not valid UTF-8.
    pub fn from_process() -> Result<Self, ConfigError> {
        let file = match dotenvy::dotenv_iter() {
            Ok(file) => Some(file),
            Err(error) if error.not_found() => None,
            Err(error) => return Err(unreadable_file(&error)),
        };
        Self::merge(std::env::vars_os(), file)
    }

    /// The value of a variable, unchanged.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn merge<R: Read>(
        process: impl Iterator<Item = (OsString, OsString)>,
        file: Option<dotenvy::Iter<R>>,
    ) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for entry in file.into_iter().flatten() {
            let (name, value) = entry.map_err(|error| unreadable_file(&error))?;
            // As in dotenvy, the first of two lines with the same name wins.
            values.entry(name).or_insert(value);
        }

        let mut problems = Vec::new();
        for (name, value) in process {
            // All of our names are UTF-8.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => _ = values.insert(name, value),
                Err(_) => problems.extend(not_text(&name)),
            }
        }
        if problems.is_empty() { Ok(Self(values)) } else { Err(ConfigError { problems }) }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Variables of other programs may hold any bytes; only ours must be text.
fn not_text(name: &str) -> Option<Problem> {
    let variable = known_variables().into_iter().find(|known| *known == name)?;
    Some(Problem {
        variable,
        wrong: "is not valid UTF-8".to_owned(),
        remedy: "give it as UTF-8 text".to_owned(),
    })
}

/// Omits dotenvy's own message for an invalid line, because it repeats the line, which may hold a secret.
fn unreadable_file(error: &dotenvy::Error) -> ConfigError {
    let wrong = match error {
        dotenvy::Error::LineParse(_, position) => {
            format!("has a line that cannot be parsed (at its byte {position})")
        }
        other => format!("cannot be read ({other})"),
    };
    let remedy = "write lines of the form NAME=value, and quote values with blanks".to_owned();
    ConfigError { problems: vec![Problem { variable: ".env", wrong, remedy }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(process: &[(&str, &str)], file: &str) -> Result<Settings, ConfigError> {
        let process = process.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Settings::merge(process, Some(dotenvy::from_read_iter(file.as_bytes())))
    }

    #[test]
    fn the_process_environment_wins_over_the_env_file() {
        let settings =
            merged(&[("PORT", "1"), ("LOKI_URL", "")], "PORT=2\nLOKI_URL=http://loki\nREDIS_URL=r\n");
        let settings = settings.unwrap();
        assert_eq!(settings.get("PORT"), Some("1"));
        assert_eq!(settings.get("LOKI_URL"), Some(""), "an empty value switches off what the file sets");
        assert_eq!(settings.get("REDIS_URL"), Some("r"));
    }

    #[test]
    fn a_broken_env_file_is_a_problem_that_does_not_repeat_its_line() {
        let error = merged(&[], "JWT_SECRET=\"hunter2\n").unwrap_err();
        assert_eq!(error.problems[0].variable, ".env");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_our_own_variables_have_to_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = || OsString::from_vec(vec![0xff]);
        let none: Option<dotenvy::Iter<&[u8]>> = None;
        let error = Settings::merge([("JWT_SECRET".into(), bytes())].into_iter(), none).unwrap_err();
        assert_eq!(error.problems[0].variable, "JWT_SECRET");

        let none: Option<dotenvy::Iter<&[u8]>> = None;
        assert!(
            Settings::merge([("LS_COLORS".into(), bytes()), (bytes(), "x".into())].into_iter(), none).is_ok()
        );
    }

    #[test]
    fn debug_prints_names_but_no_values() {
        let settings = Settings::from_iter([("JWT_SECRET", "hunter2")]);
        assert_eq!(format!("{settings:?}"), r#"{"JWT_SECRET"}"#);
    }
}
