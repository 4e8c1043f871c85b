//! A real Prometheus that scrapes the services of a test.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use local::ports;
use serde_json::Value;
use tempfile::TempDir;
use testkit::Platform;
use tokio::process::{Child, Command as AsyncCommand};

use super::{DEADLINE, root};

/// Set where Prometheus is not available; scripts/test reports it when it sets it.
const WITHOUT: &str = "BULK_WITHOUT_PROMETHEUS";

/// A program of the Prometheus package; `None` where it is not available.
#[allow(clippy::print_stdout, reason = "whoever reads the output must see that the test did nothing")]
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap();
    let found = env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(env::var_os(WITHOUT).is_some(), "{name} is not installed; set {WITHOUT}=1 to go without");
        println!("skipped: {name} is not installed and {WITHOUT} is set");
    }
    found
}

/// Runs promtool in the directory of the rules, and prints its output if it fails.
pub(crate) fn promtool(arguments: &[&str], input: &str) -> Option<Output> {
    let mut promtool = Command::new(program("promtool")?);
    let input_file = tempfile::NamedTempFile::new().unwrap();
    fs::write(input_file.path(), input).unwrap();
    let output = promtool
        .args(arguments)
        .current_dir(root().join("docker/prometheus"))
        .stdin(Stdio::from(fs::File::open(input_file.path()).unwrap()))
        .output()
        .unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy);
    assert!(output.status.success(), "promtool {arguments:?}: {said:#?}");
    Some(output)
}

/// A running Prometheus. Dropping it kills it.
pub(crate) struct Prometheus {
    url: String,
    _directory: TempDir,
    _process: Child,
}

impl Prometheus {
    /// Scrapes every process of the platform each second, under the job names of docker/prometheus/prometheus.yml.
    pub(crate) async fn start(platform: &Platform, members: &[(&str, &str)]) -> Option<Self> {
        let program = program("prometheus")?;
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("prometheus.yml");
        fs::write(&config, configuration(platform, members)).unwrap();
        let port = ports::free_port().unwrap();
        let process = AsyncCommand::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let prometheus =
            Self { url: format!("http://127.0.0.1:{port}"), _directory: directory, _process: process };
        let deadline = Instant::now() + DEADLINE;
        while prometheus.up().await < members.len() {
            assert!(Instant::now() < deadline, "Prometheus does not see every process");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(prometheus)
    }

    /// The values of an instant query. An error of the query fails the test.
    pub(crate) async fn query(&self, expression: &str) -> Vec<f64> {
        self.try_query(expression).await.unwrap_or_else(|answer| panic!("{expression}: {answer}"))
    }

    async fn up(&self) -> usize {
        self.try_query("up == 1").await.map_or(0, |values| values.len())
    }

    async fn try_query(&self, expression: &str) -> Result<Vec<f64>, String> {
        let url = format!("{}/api/v1/query", self.url);
        let asked = reqwest::Client::new().post(url).form(&[("query", expression)]).send().await;
        let answer: Value = asked.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
        let Some(series) = answer["data"]["result"].as_array() else { return Err(answer.to_string()) };
        Ok(series.iter().map(|one| one["value"][1].as_str().unwrap().parse().unwrap()).collect())
    }
}

fn configuration(platform: &Platform, members: &[(&str, &str)]) -> String {
    let rules = root().join("docker/prometheus/alerts.yml");
    assert!(rules.is_file());
    let mut text = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{}]\nscrape_configs:\n",
        rules.display()
    );
    for (job, name) in members {
        let port = platform.health_port(name);
        let _ = writeln!(
            text,
            "  - {{ job_name: {job}-{name}, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}], \
             relabel_configs: [{{ target_label: job, replacement: {job} }}] }}"
        );
    }
    text
}
