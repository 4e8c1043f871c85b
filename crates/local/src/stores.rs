//! PostgreSQL, Redis and the object store, each private unless the environment names one.

use std::env;

use anyhow::Result;

use crate::data_dir::DataDir;
use crate::env_file::Variables;
use crate::object_store::ObjectStore;
use crate::postgres::{self, Durability};
use crate::redis;
use crate::supervisor::Supervisor;

/// The running stores. The supervisor owns PostgreSQL and Redis; the object store ends with this value.
#[derive(Debug)]
pub struct Stores {
    /// `DATABASE_URL`, `REDIS_URL` and `MINIO_*` of the private stores.
    pub settings: Variables,
    _object_store: Option<ObjectStore>,
}

/// Permission to use external stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// A store named by `DATABASE_URL`, `REDIS_URL` or `MINIO_ENDPOINT` replaces the private one.
    FromEnvironment,
    /// All stores are private; the environment is ignored.
    Never,
}

impl Stores {
    /// Starts the private stores and waits until they respond.
    pub async fn start(
        data_dir: &DataDir,
        supervisor: &mut Supervisor,
        outside: Outside,
        durability: Durability,
    ) -> Result<Self> {
        let is_private = |name: &str| outside == Outside::Never || !is_set(name);
        let mut settings = Variables::new();
        if is_private("DATABASE_URL") {
            let url = postgres::start(data_dir, supervisor, durability).await?;
            settings.insert("DATABASE_URL".to_owned(), url);
        }
        if is_private("REDIS_URL") {
            let url = redis::start(data_dir, supervisor).await?;
            settings.insert("REDIS_URL".to_owned(), url);
        }
        let object_store = match is_private("MINIO_ENDPOINT") {
            true => Some(ObjectStore::start(data_dir).await?),
            false => None,
        };
        settings.extend(object_store.iter().flat_map(|store| store.settings().clone()));
        Ok(Self { settings, _object_store: object_store })
    }
}

/// Stops Redis and PostgreSQL. Their users must have stopped before.
pub async fn stop(supervisor: &mut Supervisor) {
    supervisor.stop(|name| name == redis::NAME).await;
    supervisor.stop(|name| name == postgres::NAME).await;
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}
