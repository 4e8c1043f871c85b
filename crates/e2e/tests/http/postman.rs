//! The Postman collection succeeds with Newman, in both authentication modes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use testkit::TestEnv;

use crate::support::platform;
use crate::tools::{program, root, run};

const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";

async fn run_collection(auth_mode: &str) {
    let Some(newman) = program("newman") else { return };
    let env = TestEnv::new().await;
    let platform = platform(&env, &[("AUTH_MODE", auth_mode), ("JWT_SECRET", SECRET)]).await;
    let folder = root().join("docs/postman");
    let mut arguments: Vec<OsString> =
        vec!["run".into(), folder.join("postman_collection.json").into(), "--environment".into()];
    arguments.push(folder.join("postman_environment.json").into());
    arguments.extend(["--working-dir".into(), folder.into()]);
    let variables = [
        format!("baseUrl={}", platform.url()),
        format!("authMode={auth_mode}"),
        format!("jwtSecret={SECRET}"),
        "accountId=newman".to_owned(),
    ];
    for variable in variables {
        arguments.extend(["--env-var".into(), variable.into()]);
    }
    arguments.extend(["--timeout-request", "30000", "--color", "off"].map(Into::into));
    run(&newman, arguments, &[], Duration::from_secs(180)).await;
}

fn document(path: &str) -> Value {
    serde_json::from_slice(&fs::read(root().join("docs").join(path)).unwrap()).unwrap()
}

#[test]
fn the_postman_collection_has_every_route() {
    let document = document("openapi.json");
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        routes.extend(
            methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let collection = self::document("postman/postman_collection.json");
    let folders = collection["item"].as_array().unwrap().iter();
    let requests: Vec<_> = folders.flat_map(|folder| folder["item"].as_array().unwrap()).collect();
    for request in &requests {
        let tests = request["event"].as_array().unwrap().iter().filter(|event| event["listen"] == "test");
        assert_eq!(tests.count(), 1, "{}", request["name"]);
        let request = &request["request"];
        let url = request["url"]["raw"]
            .as_str()
            .unwrap()
            .replace("{{actionId}}", "{id}")
            .replace("{{deletedId}}", "{id}");
        let url = url.replace("/entities/contact", "/entities/{type}");
        let path = url.trim_start_matches("{{baseUrl}}").split('?').next().unwrap();
        routes.remove(&format!("{} {path}", request["method"].as_str().unwrap()));
    }
    assert!(routes.is_empty(), "the collection lacks {routes:?}");
}

#[tokio::test]
async fn the_postman_collection_runs_with_tokens() {
    run_collection("jwt").await;
}

#[tokio::test]
async fn the_postman_collection_runs_with_the_account_header() {
    run_collection("header").await;
}
