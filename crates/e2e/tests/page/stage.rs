//! A platform and a browser.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::time::Duration;

use bulk_core::chunk::ChunkId;
use bulk_core::config::{Config, Settings};
use bulk_core::storage::{ObjectStore, keys};
use nix::sys::signal::Signal;
use testkit::{Platform, PlatformOptions, TestEnv};

use crate::tools::{program, root, run};

/// Secret for signing tokens, in the modes that use them.
pub(crate) const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";
/// Account with which the page signs in under header authentication.
const ACCOUNT: &str = "demo";

const WITHIN: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(50);

/// Runs a test of web/e2e.
pub(crate) async fn in_browser(name: &str, settings: &[(&str, &str)]) {
    let Some(chromium) = program("chromium") else { return };
    let Some(node) = program("node") else { return };
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let env = TestEnv::new().await;
    let options = PlatformOptions { processing_workers: 1, chunking_workers: 1, settings };
    let mut platform = Platform::start(&env, options).await;

    let orders = tempfile::tempdir().unwrap();
    let url = OsString::from(platform.url());
    let variables: [(&str, &OsStr); 4] = [
        ("PAGE_URL", &url),
        ("CHROMIUM", chromium.as_os_str()),
        ("ORDERS", orders.path().as_os_str()),
        ("JWT_SECRET", OsStr::new(SECRET)),
    ];
    let test = root().join("web/e2e").join(format!("{name}.test.mjs"));
    tokio::select! {
        () = run(&node, [OsStr::new("--test"), test.as_os_str()], &variables, WITHIN) => {}
        () = obey(&env, &mut platform, orders.path()) => {}
    }
}

/// Executes the orders that the browser's test writes into the folder, one file each, and removes each file when it is
/// done. Runs without end.
async fn obey(env: &TestEnv, platform: &mut Platform, orders: &Path) {
    loop {
        for order in fs::read_dir(orders).unwrap() {
            let path = order.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            match text.split_once(' ') {
                Some(("kill", name)) => platform.kill(name, Signal::SIGKILL).await,
                Some(("start", name)) => platform.restart(name).await,
                Some(("lose-chunk", action)) => lose_chunk(env, action).await,
                _ => panic!("no order: {text:?}"),
            }
            fs::remove_file(&path).unwrap();
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn lose_chunk(env: &TestEnv, action: &str) {
    let config = Config::from_settings(&Settings::from_iter(env.settings())).unwrap();
    let chunk = ChunkId { action_id: action.parse().unwrap(), partition: 0, seq: 0 };
    ObjectStore::new(&config.storage).delete(&keys::chunk(ACCOUNT, chunk)).await.unwrap();
}
