//! What the platform needs of an S3 server, as one suite: against the embedded server always, and against Garage where its
//! program is installed (`cargo install garage`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]
#![allow(clippy::print_stderr, reason = "a suite that is left out has to say so")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bulk_core::config::{Config, Settings};
use bulk_core::storage::{ObjectStore, StorageError};
use bytes::Bytes;
use local::ports::free_port;
use tempfile::TempDir;
use testkit::{Fault, FaultProxy, TestEnv};
use tokio::io::AsyncReadExt;

const START: Duration = Duration::from_secs(60);
/// More than two parts of an upload.
const LARGE: usize = 11 * 1024 * 1024 + 7;
/// So many bytes that nothing is left for a third part.
const TWO_PARTS: usize = 10 * 1024 * 1024;

#[tokio::test]
async fn the_embedded_server_keeps_what_the_platform_stores() {
    let env = TestEnv::new().await;
    let store = ObjectStore::new(&config(env.settings()).storage);
    store.ensure_bucket().await.unwrap();
    conforms(&store).await;
    // Which uploads are unfinished it cannot list; their ids are recorded in the database.
    assert_eq!(store.unfinished_uploads("accounts/").await.unwrap(), None);
}

#[tokio::test]
async fn garage_keeps_what_the_platform_stores() {
    if Command::new("garage").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("left out: there is no program named garage (cargo install garage)");
        return;
    }
    let garage = Garage::start().await;
    conforms(&garage.store).await;
    let mut upload = garage.store.upload("accounts/a/unfinished");
    upload.write(&vec![1; LARGE]).await.unwrap();
    let id = upload.multipart_id().expect("several parts").to_owned();
    let unfinished = vec![("accounts/a/unfinished".to_owned(), id)];
    assert_eq!(garage.store.unfinished_uploads("accounts/").await.unwrap(), Some(unfinished));
    upload.abort().await.unwrap();
    assert_eq!(garage.store.unfinished_uploads("accounts/").await.unwrap(), Some(Vec::new()));
}

/// The client retries a completion whose answer it did not get, and the server knows the upload no longer then.
#[tokio::test]
async fn an_upload_whose_completion_was_not_confirmed_is_complete() {
    let env = TestEnv::new().await;
    let mut settings = env.settings();
    let proxy = FaultProxy::start(settings["MINIO_PORT"].parse().unwrap()).await;
    settings.insert("MINIO_PORT".to_owned(), proxy.port().to_string());
    let store = ObjectStore::new(&config(settings).storage);
    store.ensure_bucket().await.unwrap();
    let mut confirmed = store.upload("accounts/a/confirmed");
    confirmed.write(&vec![7; LARGE]).await.unwrap();
    let expected = confirmed.finish().await.unwrap();

    let mut upload = store.upload("accounts/a/unconfirmed");
    upload.write(&vec![7; LARGE]).await.unwrap();
    proxy.set(Fault::LoseAnswers { to: "POST /" });
    assert_eq!(upload.finish().await.unwrap(), expected);
    assert_eq!(upload.multipart_id(), None, "nothing is left to abort");

    // An upload that the server did not complete stays an error.
    proxy.set(Fault::None);
    let mut refused = store.upload("accounts/a/refused");
    refused.write(&vec![7; TWO_PARTS]).await.unwrap();
    proxy.set(Fault::RefuseWrites { status: 403 });
    assert!(matches!(refused.finish().await, Err(StorageError::Unavailable(_))));
}

async fn conforms(store: &ObjectStore) {
    assert!(store.bucket_exists().await.unwrap());
    store.ensure_bucket().await.unwrap();
    small_objects(store).await;
    uploads(store).await;
    lists_and_removals(store).await;
    links(store).await;
}

async fn small_objects(store: &ObjectStore) {
    for (key, body) in [("accounts/a b/ä%41+.csv", "email\na@b.c\n"), ("accounts/a/empty", "")] {
        let stored = store.put(key, Bytes::from(body)).await.unwrap();
        assert_eq!(stored.size_bytes, body.len() as u64);
        assert_eq!(store.get(key).await.unwrap(), body);
    }
    for (from, length, expected) in
        [(0, 100, "email\na@b.c\n"), (6, 3, "a@b"), (6, 6, "a@b.c\n"), (12, 5, "")]
    {
        let piece = store.get_piece("accounts/a b/ä%41+.csv", from, length).await.unwrap();
        assert_eq!(piece, expected, "{length} bytes from {from}");
    }
    assert_eq!(store.get_piece("accounts/a/empty", 0, 5).await.unwrap(), "");
    assert!(matches!(store.get_piece("accounts/a/never", 0, 5).await, Err(StorageError::NotFound)));
    store.put("accounts/a/empty", Bytes::from_static(b"no longer")).await.unwrap();
    assert_eq!(
        store.get("accounts/a/empty").await.unwrap(),
        "no longer",
        "a later object replaces an earlier"
    );
    assert!(matches!(store.get("accounts/a/never").await, Err(StorageError::NotFound)));
    assert!(matches!(store.open("accounts/a/never").await.err(), Some(StorageError::NotFound)));
}

async fn uploads(store: &ObjectStore) {
    for size in [0, 10, LARGE] {
        let body: Vec<u8> = (0..size).map(|byte| (byte % 251) as u8).collect();
        let mut upload = store.upload("accounts/a/file");
        for piece in body.chunks(700_000) {
            upload.write(piece).await.unwrap();
        }
        assert_eq!(upload.multipart_id().is_some(), size == LARGE);
        assert_eq!(upload.finish().await.unwrap().size_bytes, size as u64);
        let mut read = Vec::new();
        store.open("accounts/a/file").await.unwrap().read_to_end(&mut read).await.unwrap();
        assert!(read == body, "{size} bytes come back as {}", read.len());
    }
    let mut upload = store.upload("accounts/a/aborted");
    upload.write(&vec![7; LARGE]).await.unwrap();
    upload.abort().await.unwrap();
    assert!(matches!(store.get("accounts/a/aborted").await, Err(StorageError::NotFound)));
}

async fn lists_and_removals(store: &ObjectStore) {
    let keys: Vec<String> = (0..5).map(|n| format!("accounts/l/{n}")).collect();
    for key in &keys {
        store.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    assert_eq!(store.list("accounts/l/", None).await.unwrap(), keys);
    assert_eq!(store.list("accounts/l/", Some(&keys[2])).await.unwrap(), keys[3..]);
    assert_eq!(store.list("accounts/none/", None).await.unwrap(), Vec::<String>::new());
    store.delete(&keys[0]).await.unwrap();
    store.delete(&keys[0]).await.expect("an object that is gone can be deleted");
    assert_eq!(store.delete_all(&keys).await.unwrap(), Vec::<String>::new(), "nothing is refused");
    assert_eq!(store.list("accounts/l/", None).await.unwrap(), Vec::<String>::new());
}

async fn links(store: &ObjectStore) {
    store.put("accounts/a/linked", Bytes::from_static(b"linked")).await.unwrap();
    let name = "Kunden \u{2013} März.csv";
    let link = store.download_url("accounts/a/linked", name, Duration::from_secs(60)).await.unwrap();
    let answer = reqwest::get(&link).await.unwrap();
    assert_eq!(answer.status(), 200);
    let disposition = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.contains("filename*=UTF-8''Kunden%20%E2%80%93%20M%C3%A4rz.csv"), "{disposition}");
    assert_eq!(answer.text().await.unwrap(), "linked");
    let other = link.replace("accounts/a/linked", "accounts/a/empty");
    assert_eq!(reqwest::get(&other).await.unwrap().status(), 403, "a link is for one object");
}

fn config(mut settings: local::env_file::Variables) -> Config {
    for (name, value) in [("DATABASE_URL", "postgres://127.0.0.1/none"), ("REDIS_URL", "redis://127.0.0.1")] {
        settings.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    Config::from_settings(&settings.into_iter().collect::<Settings>()).unwrap()
}

/// A Garage of one node with its data in a directory of its own.
struct Garage {
    process: Child,
    store: ObjectStore,
    _directory: TempDir,
}

impl Garage {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [s3, rpc] = [(); 2].map(|()| free_port().unwrap());
        let at = directory.path().display();
        let configuration = format!(
            "metadata_dir = \"{at}/meta\"\ndata_dir = \"{at}/data\"\ndb_engine = \"sqlite\"\nreplication_factor = 1\n\
             rpc_bind_addr = \"127.0.0.1:{rpc}\"\nrpc_public_addr = \"127.0.0.1:{rpc}\"\n\
             [s3_api]\ns3_region = \"us-east-1\"\napi_bind_addr = \"127.0.0.1:{s3}\"\n"
        );
        let file = directory.path().join("garage.toml");
        std::fs::write(&file, configuration).unwrap();
        let (key, secret) = ("GK0123456789abcdef01234567", "0123456789abcdef".repeat(4));
        let process = Command::new("garage")
            .arg("-c")
            .arg(&file)
            .args(["server", "--single-node", "--default-bucket"])
            .env("GARAGE_RPC_SECRET", &secret)
            .env("GARAGE_DEFAULT_BUCKET", "bulk-actions")
            .env("GARAGE_DEFAULT_ACCESS_KEY", key)
            .env("GARAGE_DEFAULT_SECRET_KEY", &secret)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let settings = [
            ("MINIO_ENDPOINT", "127.0.0.1"),
            ("MINIO_PORT", &s3.to_string()),
            ("MINIO_USE_SSL", "false"),
            ("MINIO_ACCESS_KEY", key),
            ("MINIO_SECRET_KEY", &secret),
            ("MINIO_BUCKET_NAME", "bulk-actions"),
            ("MINIO_REGION", "us-east-1"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let store = ObjectStore::new(&config(settings.into_iter().collect()).storage);
        let garage = Self { process, store, _directory: directory };
        let end = Instant::now() + START;
        while !matches!(garage.store.bucket_exists().await, Ok(true)) {
            assert!(Instant::now() < end, "garage does not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        garage
    }
}

impl Drop for Garage {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
