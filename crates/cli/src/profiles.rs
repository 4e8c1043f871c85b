//! Address and credentials, stored by `bulk login` in a file that only its owner can read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Environment;
use crate::failure::Failure;

/// Name of the default profile.
pub(crate) const DEFAULT: &str = "default";

/// An address with credentials.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// URL of the service.
    pub url: String,
    /// A bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The account, where the service trusts a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// All stored profiles.
pub(crate) struct Profiles {
    path: Option<PathBuf>,
    profiles: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Reads the file, if it exists.
    pub(crate) fn read(environment: &Environment) -> Result<Self, Failure> {
        let path = environment.config_directory.as_ref().map(|directory| directory.join("profiles.json"));
        let profiles = match &path {
            None => BTreeMap::new(),
            Some(path) => match fs::read(path) {
                Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                    Failure::usage(format!("{} is damaged: {error}", path.display()))
                        .hint("remove it, and `bulk login` again")
                })?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
                Err(error) => return Err(Failure::file("read", path, &error)),
            },
        };
        Ok(Self { path, profiles })
    }

    /// The profile called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// Stores a profile, and returns the path of the file.
    pub(crate) fn keep(mut self, name: &str, profile: Profile) -> Result<PathBuf, Failure> {
        let Some(path) = self.path else {
            return Err(Failure::usage("there is no place for settings: set HOME or XDG_CONFIG_HOME"));
        };
        self.profiles.insert(name.to_owned(), profile);
        let text = serde_json::to_vec_pretty(&self.profiles)
            .map_err(|error| Failure::unexpected(error.to_string()))?;
        write_private(&path, &text).map_err(|error| Failure::file("write", &path, &error))?;
        Ok(path)
    }
}

/// Replaces a file by one that only its owner can read. At no time is there an incomplete file, or one that others can
/// read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_kept_where_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let environment =
            Environment { config_directory: Some(directory.path().join("bulk")), ..Environment::default() };
        let profile = Profile { url: "http://x".into(), token: Some("t".into()), account: None };
        let path = Profiles::read(&environment).ok().unwrap().keep("ci", profile).ok().unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = Profiles::read(&environment).ok().unwrap();
        assert_eq!(again.get("ci").unwrap().token.as_deref(), Some("t"));
        assert!(again.get(DEFAULT).is_none());
        fs::write(&path, "{").unwrap();
        assert!(Profiles::read(&environment).is_err());
    }
}
