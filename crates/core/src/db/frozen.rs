//! Entities as declared at the time of an upload. Every worker reads a file by the declaration of its upload,
//! independent of its own version and of the current files.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgPool;
use thiserror::Error;
use uuid::Uuid;

use super::declarations::find_declaration;
use super::is_outage;
use crate::entity::{Entities, Entity, parse};
use crate::health::{Dependency, Outage};

/// Most entities cached by a process; beyond that the cache is emptied and filled again on use.
const MOST_KEPT: usize = 256;

/// Reason why an action's entity is not available.
#[derive(Debug, Error)]
pub enum FrozenError {
    /// The action has no stored declaration, and this version has no entity of that name.
    #[error("there is no entity `{0}`")]
    NoSuchEntity(String),
    /// The declaration is no longer stored.
    #[error("the declaration of `{0}` that the file was uploaded under is missing from entity_declarations")]
    Missing(String),
    /// A newer version wrote the declaration.
    #[error("this version cannot read the declaration that the file was uploaded under: {0}")]
    Unreadable(String),
    /// The query failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl FrozenError {
    /// The error as an outage, if waiting may help.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Database(error) if is_outage(error) => Some(Outage::new(Dependency::Database, error)),
            _ => None,
        }
    }
}

/// The entities of actions, by the hash of their declaration. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct FrozenEntities(Arc<Mutex<HashMap<Uuid, Arc<Entity>>>>);

impl FrozenEntities {
    /// The entity `name` as declared under this hash; the built-in one for actions from before declarations were
    /// stored.
    ///
    /// # Errors
    /// [`FrozenError`] if the entity is not available or the query fails.
    pub async fn get(
        &self,
        pool: &PgPool,
        name: &str,
        hash: Option<Uuid>,
    ) -> Result<Arc<Entity>, FrozenError> {
        let Some(hash) = hash else {
            let entity = Entities::built_in().find(name).cloned();
            return entity.ok_or_else(|| FrozenError::NoSuchEntity(name.to_owned()));
        };
        if let Some(entity) = self.kept(hash) {
            return Ok(entity);
        }
        let text =
            find_declaration(pool, hash).await?.ok_or_else(|| FrozenError::Missing(name.to_owned()))?;
        let entity = parse(&format!("{name}.toml"), &text).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            FrozenError::Unreadable(lines.join("; "))
        })?;
        Ok(self.keep(hash, Arc::new(entity)))
    }

    fn kept(&self, hash: Uuid) -> Option<Arc<Entity>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    fn keep(&self, hash: Uuid, entity: Arc<Entity>) -> Arc<Entity> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(hash, entity.clone());
        entity
    }
}
