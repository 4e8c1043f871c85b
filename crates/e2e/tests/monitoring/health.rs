//! The subcommand for container health checks.

use std::path::PathBuf;
use std::process::Output;

use nix::sys::signal::Signal;
use testkit::{Platform, PlatformOptions, TestEnv};
use tokio::process::Command;

/// Next to the directory `deps`, in which cargo puts test programs.
fn binary(name: &str) -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join(name)
}

async fn health(program: &str, port_variable: &str, port: u16, env: &TestEnv) -> Output {
    let mut command = Command::new(binary(program));
    command.arg("health").envs(env.settings()).env(port_variable, port.to_string());
    command.output().await.unwrap()
}

#[tokio::test]
async fn each_binary_tells_whether_its_service_is_ready() {
    let env = TestEnv::new().await;
    let mut platform = Platform::start(&env, PlatformOptions::default()).await;
    let services = [
        ("api", "PORT", "api"),
        ("chunking-worker", "CHUNKING_HEALTH_PORT", "chunking-worker-1"),
        ("processing-worker", "PROCESSING_HEALTH_PORT", "processing-worker-1"),
    ];
    for (program, variable, name) in services {
        let port = platform.health_port(name);
        let well = health(program, variable, port, &env).await;
        assert!(well.status.success(), "{program}: {well:?}");
        platform.kill(name, Signal::SIGKILL).await;
        let gone = health(program, variable, port, &env).await;
        assert_eq!(gone.status.code(), Some(1), "{program}: {gone:?}");
        let said = String::from_utf8_lossy(&gone.stderr);
        assert!(said.contains(&format!("no answer on port {port}")), "{said}");
    }
}
