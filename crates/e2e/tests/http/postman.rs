//! The Postman collection runs through, by Newman, as both kinds of caller.

use std::ffi::OsString;
use std::time::Duration;

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

#[tokio::test]
async fn the_postman_collection_runs_with_tokens() {
    run_collection("jwt").await;
}

#[tokio::test]
async fn the_postman_collection_runs_with_the_account_header() {
    run_collection("header").await;
}
