//! The actions imported last, so that `--last` finds them even if the command was interrupted.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Environment;
use crate::profiles::write_private;

/// Number of entries: one for each service and caller.
const MOST: usize = 32;

/// An imported action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    url: String,
    /// Name of the caller.
    who: String,
    /// The action.
    pub id: Uuid,
}

/// The stored list of imported actions.
#[derive(Debug)]
pub(crate) struct State {
    path: Option<PathBuf>,
    url: String,
    who: String,
}

impl State {
    /// The entries of the caller `who` at `url`.
    pub(crate) fn new(environment: &Environment, url: &str, who: &str) -> Self {
        let path = environment.state_directory.as_ref().map(|directory| directory.join("last.json"));
        Self { path, url: url.to_owned(), who: who.to_owned() }
    }

    /// The last action.
    pub(crate) fn last(&self) -> Option<Uuid> {
        self.read().into_iter().find(|one| one.url == self.url && one.who == self.who).map(|one| one.id)
    }

    /// Stores an action. Returns false if that is not possible, which does not fail the import.
    pub(crate) fn remember(&self, id: Uuid) -> bool {
        let Some(path) = &self.path else { return false };
        let mut all = self.read();
        all.retain(|one| one.url != self.url || one.who != self.who);
        all.insert(0, Remembered { url: self.url.clone(), who: self.who.clone(), id });
        all.truncate(MOST);
        serde_json::to_vec(&all).is_ok_and(|text| write_private(path, &text).is_ok())
    }

    /// A damaged file counts as empty.
    fn read(&self) -> Vec<Remembered> {
        let text = self.path.as_ref().and_then(|path| fs::read(path).ok());
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_last_action_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let environment =
            Environment { state_directory: Some(directory.path().join("bulk")), ..Environment::default() };
        let (ada, bob) = (State::new(&environment, "u", "ada"), State::new(&environment, "u", "bob"));
        assert_eq!(ada.last(), None);
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(ada.remember(first) && bob.remember(second) && ada.remember(second));
        assert_eq!((ada.last(), bob.last()), (Some(second), Some(second)));
        assert!(!State::new(&Environment::default(), "u", "ada").remember(first));
    }
}
