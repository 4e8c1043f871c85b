//! Tests of the object store in this process with the client of the services.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bulk_core::config::{Config, Settings};
use bulk_core::storage;
use bytes::Bytes;
use local::data_dir::DataDir;
use local::object_store::ObjectStore;

fn client(store: &ObjectStore, secret_key: Option<&str>) -> storage::ObjectStore {
    let mut settings = store.settings().clone();
    settings.insert("DATABASE_URL".to_owned(), "postgres://127.0.0.1/none".to_owned());
    settings.insert("REDIS_URL".to_owned(), "redis://127.0.0.1".to_owned());
    if let Some(secret_key) = secret_key {
        settings.insert("MINIO_SECRET_KEY".to_owned(), secret_key.to_owned());
    }
    let settings: Settings = settings.into_iter().collect();
    storage::ObjectStore::new(&Config::from_settings(&settings).unwrap().storage)
}

#[tokio::test]
async fn objects_are_found_again_in_the_next_run() {
    let dir = tempfile::tempdir().unwrap();
    let body = Bytes::from(vec![7; 300_000]);

    let data_dir = DataDir::open(dir.path()).unwrap();
    let store = ObjectStore::start(&data_dir).await.unwrap();
    let objects = client(&store, None);
    objects.ensure_bucket().await.unwrap();
    objects.put("accounts/a b/raw.csv", body.clone()).await.unwrap();
    drop((objects, store, data_dir));

    let data_dir = DataDir::open(dir.path()).unwrap();
    let store = ObjectStore::start(&data_dir).await.unwrap();
    assert_eq!(client(&store, None).get("accounts/a b/raw.csv").await.unwrap(), body);
}

#[tokio::test]
async fn a_wrong_secret_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = DataDir::open(dir.path()).unwrap();
    let store = ObjectStore::start(&data_dir).await.unwrap();
    let stranger = client(&store, Some("a guess that is long enough"));
    assert!(stranger.put("key", Bytes::from_static(b"value")).await.is_err());
}
