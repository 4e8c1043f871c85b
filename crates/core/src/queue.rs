//! The doorbell: Redis Streams with one consumer group per queue.
//!
//! A job names work that PostgreSQL already knows. It may be delivered twice (the claim decides) or lost (the
//! reconciler rings again), so nothing here must be durable. Streams rather than lists, because their length and group
//! lag are the backlog that dashboards and autoscalers read.

mod account_keys;
mod job;
mod reader;

pub use job::Job;
pub(crate) use job::Payload;
pub(crate) use reader::{Delivery, LONGEST_READ, QueueReader};

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::StreamInfoGroupsReply;
use redis::{AsyncCommands, Client, RedisError};
use secrecy::ExposeSecret;

use crate::config::RedisConfig;

/// Consumer group of all workers of a queue.
const GROUP: &str = "workers";
/// Timeout of a command.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Lifetime of the key that a probe writes, in seconds.
const PROBE_KEY_S: u64 = 60;

/// Name of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueName {
    /// Files waiting to be chunked.
    Chunking,
    /// Chunks waiting to be processed.
    Processing,
}

impl QueueName {
    /// Both queues.
    pub const ALL: [Self; 2] = [Self::Chunking, Self::Processing];

    /// The name in keys, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chunking => "chunking",
            Self::Processing => "processing",
        }
    }
}

/// Backlog of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are not finished.
    pub length: u64,
    /// Jobs that have not been delivered to any worker.
    pub lag: u64,
}

/// Both queues, for ringing. Cheap to clone; all clones share one connection, which is replaced when it breaks or stops
/// responding.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    connection: Arc<RwLock<ConnectionManager>>,
    key_prefix: String,
}

impl Queue {
    /// Creates a queue that connects on its first command, so this succeeds while Redis is down.
    ///
    /// # Errors
    /// If the URL is not a Redis URL.
    pub fn new(config: &RedisConfig) -> Result<Self, RedisError> {
        let client = Client::open(config.url.expose_secret())?;
        let connection = Arc::new(RwLock::new(connect_lazily(&client)?));
        Ok(Self { client, connection, key_prefix: config.key_prefix.clone() })
    }

    /// Rings bells. A bell that cannot be rung is only logged: the work is not lost, the reconciler rings again.
    pub async fn ring(&self, bells: &[Job]) {
        if let Err(error) = self.try_ring(bells).await {
            tracing::warn!(%error, bells = bells.len(), "could not ring; the reconciler will");
        }
    }

    /// Rings bells in one round trip. Retries once, because a connection that broke unnoticed fails one command.
    ///
    /// # Errors
    /// If Redis is unavailable.
    pub async fn try_ring(&self, bells: &[Job]) -> Result<(), RedisError> {
        if bells.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for bell in bells {
            pipeline.xadd(self.key(bell.queue()), "*", &[("job", bell.encode())]).ignore();
        }
        match self.noting_silence(pipeline.query_async::<()>(&mut self.connection()).await) {
            Err(error) if error.is_connection_dropped() || error.is_io_error() => {
                self.noting_silence(pipeline.query_async(&mut self.connection()).await)
            }
            result => result,
        }
    }

    /// A reader of one queue with the name `consumer` and its own connection, since a blocking read would delay every
    /// other command on a shared one.
    #[must_use]
    pub(crate) fn reader(&self, queue: QueueName, consumer: &str) -> QueueReader {
        QueueReader::new(self.client.clone(), self.key(queue), consumer.to_owned(), queue)
    }

    /// Removes finished jobs from a queue.
    ///
    /// # Errors
    /// If Redis is unavailable. The jobs are then delivered again, without effect.
    pub async fn finish(&self, queue: QueueName, ids: &[String]) -> Result<(), RedisError> {
        let key = self.key(queue);
        let mut pipeline = redis::pipe();
        pipeline.xack(&key, GROUP, ids).ignore().xdel(&key, ids).ignore();
        self.noting_silence(pipeline.query_async(&mut self.connection()).await)
    }

    /// Backlog of a queue. A queue that does not exist yet is empty.
    ///
    /// # Errors
    /// If Redis is unavailable.
    pub async fn backlog(&self, queue: QueueName) -> Result<Backlog, RedisError> {
        let key = self.key(queue);
        let mut connection = self.connection();
        let length: u64 = self.noting_silence(connection.xlen(&key).await)?;
        let groups: StreamInfoGroupsReply = match connection.xinfo_groups(&key).await {
            // "ERR no such key": the stream does not exist yet.
            Err(error) if error.code() == Some("ERR") => StreamInfoGroupsReply::default(),
            groups => groups?,
        };
        let group = groups.groups.iter().find(|group| group.name == GROUP);
        // Redis does not know the lag after some deletions. Entries that are neither delivered nor finished give the
        // same number.
        let lag = group.map_or(length, |group| {
            let undelivered = length.saturating_sub(group.pending as u64);
            group.lag.map_or(undelivered, |lag| lag as u64)
        });
        Ok(Backlog { length, lag })
    }

    /// Checks that Redis accepts writes: a full one, or one that cannot save, still answers PING.
    ///
    /// # Errors
    /// If it does not.
    pub async fn probe(&self) -> Result<(), RedisError> {
        let mut write = redis::cmd("SET");
        write.arg(format!("{}:probe", self.key_prefix)).arg("1").arg("EX").arg(PROBE_KEY_S);
        self.noting_silence(write.query_async(&mut self.connection()).await)
    }

    fn connection(&self) -> ConnectionManager {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the connection after a timeout. The connection manager reconnects after an error but not after a
    /// timeout, so a connection dropped silently by a firewall would stay (the timeout case is not reported upstream;
    /// redis-rs #1415 is related. Remove this when the manager reconnects after timeouts).
    fn noting_silence<T>(&self, result: Result<T, RedisError>) -> Result<T, RedisError> {
        if let Err(error) = &result
            && error.is_timeout()
            && let Ok(fresh) = connect_lazily(&self.client)
        {
            *self.connection.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        result
    }

    fn key(&self, queue: QueueName) -> String {
        format!("{}:queue:{}", self.key_prefix, queue.as_str())
    }
}

/// Creates a connection manager that connects on its first command.
fn connect_lazily(client: &Client) -> Result<ConnectionManager, RedisError> {
    let settings = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), settings)
}
