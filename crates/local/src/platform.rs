//! The whole platform: stores, schema, services, and their order of start and stop.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::data_dir::DataDir;
use crate::env_file::{self, Variables};
use crate::leftovers::end_leftovers;
use crate::postgres::Durability;
use crate::process::{ProcessSpec, log_path, log_tail, open_log};
use crate::signals::EndSignals;
use crate::stores::{self, Outside, Stores};
use crate::supervisor::{ChildState, Supervisor};
use crate::{ports, service_binaries, settings};

const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);

/// Deaths before the first readiness after which a service is given up.
const DEATHS_TO_GIVE_UP: u32 = 5;

/// Slightly longer than the shutdown time of the services.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// Size and port of the platform.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// Port of the API on all interfaces.
    pub port: u16,
    /// Number of processing workers.
    pub processing_workers: u16,
    /// Number of chunking workers.
    pub chunking_workers: u16,
}

/// Result of [`run`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<T> {
    /// The work is done.
    Done(T),
    /// A signal interrupted the work.
    Interrupted,
}

/// Starts the platform, does the work, and stops everything in order: after the work, after an error, or on a signal,
/// even during the start.
pub async fn run<T>(
    data_dir: &Path,
    options: &LocalOptions,
    work: impl AsyncFnOnce(&LocalPlatform) -> Result<T>,
) -> Result<End<T>> {
    let mut signals = EndSignals::listen()?;
    let data_dir = DataDir::open(data_dir)?;
    let supervisor = Supervisor::new(data_dir.logs(), data_dir.run());
    let mut platform = LocalPlatform { data_dir, supervisor, stores: None, port: options.port };
    let end = tokio::select! {
        end = platform.start_and(options, work) => end.map(End::Done),
        () = signals.next() => Ok(End::Interrupted),
    };
    platform.stop().await;
    end
}

/// A running platform.
#[derive(Debug)]
pub struct LocalPlatform {
    data_dir: DataDir,
    supervisor: Supervisor,
    stores: Option<Stores>,
    port: u16,
}

/// A service that was started and is not ready yet.
struct Starting {
    name: String,
    health_port: u16,
    state: watch::Receiver<ChildState>,
}

impl LocalPlatform {
    /// URL of the API, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// URL of the page.
    #[must_use]
    pub(crate) fn page_url(&self) -> String {
        format!("{}/app/", self.url())
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        &self.data_dir
    }

    async fn start_and<T>(
        &mut self,
        options: &LocalOptions,
        work: impl AsyncFnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        self.start(options).await?;
        work(self).await
    }

    async fn start(&mut self, options: &LocalOptions) -> Result<()> {
        let binaries = service_binaries::directory().await?;
        end_leftovers(&self.data_dir.run()).await?;
        if !ports::is_free(options.port) {
            bail!("port {} is in use: choose another with --port", options.port);
        }
        let stores =
            Stores::start(&self.data_dir, &mut self.supervisor, Outside::FromEnvironment, Durability::Full)
                .await?;
        let settings = settings::for_services(&self.data_dir, options.port, &stores.settings)?;
        self.stores = Some(stores);
        self.migrate(&binaries, &settings).await?;
        let starting = self.start_services(&binaries, &settings, options)?;
        for service in starting {
            self.wait_until_ready(service).await?;
        }
        Ok(())
    }

    async fn stop(&mut self) {
        let is_store = |name: &str| [crate::postgres::NAME, crate::redis::NAME].contains(&name);
        self.supervisor.stop(|name| !is_store(name)).await;
        stores::stop(&mut self.supervisor).await;
    }

    async fn migrate(&self, binaries: &Path, settings: &Variables) -> Result<()> {
        let logs = self.data_dir.logs();
        let log = open_log(&log_path(&logs, "migrate"))?;
        let status = Command::new(binaries.join("api"))
            .arg("migrate")
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .status()
            .await
            .context("cannot start the migration")?;
        if !status.success() {
            bail!("the migration failed:\n{}", log_tail(&logs, "migrate", 10));
        }
        Ok(())
    }

    /// Starts the services and writes the env file, which has a numbered port variable for each additional worker.
    fn start_services(
        &mut self,
        binaries: &Path,
        settings: &Variables,
        options: &LocalOptions,
    ) -> Result<Vec<Starting>> {
        let mut services = vec![("api".to_owned(), "api", "PORT", options.port)];
        for (program, port_variable, count) in [
            ("chunking-worker", "CHUNKING_HEALTH_PORT", options.chunking_workers),
            ("processing-worker", "PROCESSING_HEALTH_PORT", options.processing_workers),
        ] {
            for number in 1..=count {
                let name = format!("{program}-{number}");
                let port = self.data_dir.port(&name)?;
                services.push((name, program, port_variable, port));
            }
        }
        let mut shown = settings.clone();
        for (name, _, port_variable, port) in &services {
            let number = name.rsplit('-').next().filter(|number| number.parse::<u16>().is_ok_and(|n| n > 1));
            let variable = number.map_or((*port_variable).to_owned(), |n| format!("{port_variable}_{n}"));
            shown.insert(variable, port.to_string());
        }
        env_file::write(&self.data_dir.env_file(), &shown)?;

        let start = |(name, program, port_variable, port): (String, &str, &str, u16)| {
            let mut env = settings.clone();
            env.insert(port_variable.to_owned(), port.to_string());
            let state = self.supervisor.start(ProcessSpec {
                name: name.clone(),
                program: binaries.join(program),
                args: Vec::new(),
                env,
                run_as: None,
                stop_signal: Signal::SIGTERM,
                stop_grace: STOP_GRACE,
            })?;
            Ok(Starting { name, health_port: port, state })
        };
        services.into_iter().map(start).collect()
    }

    async fn wait_until_ready(&self, service: Starting) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/health/ready", service.health_port);
        // A proxy in the environment is not meant for addresses of this machine.
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline && service.state.borrow().deaths < DEATHS_TO_GIVE_UP {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            sleep(POLL).await;
        }
        let tail = log_tail(&self.data_dir.logs(), &service.name, 20);
        bail!("{} does not become ready; the last lines of its log:\n{tail}", service.name)
    }
}
