//! The doorbell: Redis Streams with one consumer group per queue.
//!
//! A job names work that PostgreSQL already knows; it may be delivered twice (the claim decides) or lost altogether (the
//! reconciler rings again), so nothing here has to be durable. Streams rather than lists, because length and group lag
//! are the backlog that dashboards and autoscalers read.

mod account_keys;
mod job;
mod reader;

pub use job::{ChunkJob, ChunkingJob, Job, Payload};
pub use reader::{Delivery, LONGEST_READ, QueueReader};

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::StreamInfoGroupsReply;
use redis::{AsyncCommands, Client, RedisError};
use secrecy::ExposeSecret;

use crate::config::RedisConfig;
use crate::db::Bell;

/// The consumer group that every worker of a queue belongs to.
const GROUP: &str = "workers";
/// A command that takes longer than this counts as failed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the key stays that a probe writes, in seconds.
const PROBE_KEY_S: u64 = 60;

/// A queue's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueName {
    /// Files that wait to be chunked.
    Chunking,
    /// Chunks that wait to be processed.
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

/// How much waits in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are not finished.
    pub length: u64,
    /// Jobs that no worker has been given yet.
    pub lag: u64,
}

/// Both queues, for ringing. Cheap to clone; all clones share one connection, which is made anew when it breaks or
/// falls silent.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    connection: Arc<RwLock<ConnectionManager>>,
    key_prefix: String,
}

impl Queue {
    /// A queue that connects on its first command, so this succeeds while Redis is away.
    ///
    /// # Errors
    /// When the URL is not a Redis URL.
    pub fn new(config: &RedisConfig) -> Result<Self, RedisError> {
        let client = Client::open(config.url.expose_secret())?;
        let connection = Arc::new(RwLock::new(connect_lazily(&client)?));
        Ok(Self { client, connection, key_prefix: config.key_prefix.clone() })
    }

    /// Rings bells, in one round trip. One attempt more, because a connection that broke unnoticed fails one command.
    ///
    /// # Errors
    /// When Redis is away. The work is not lost: the reconciler will ring.
    pub async fn ring(&self, bells: &[Bell]) -> Result<(), RedisError> {
        if bells.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for bell in bells {
            let (queue, payload) = job::encode(bell);
            pipeline.xadd(self.key(queue), "*", &[("job", payload)]).ignore();
        }
        match self.noting_silence(pipeline.query_async::<()>(&mut self.connection()).await) {
            Err(error) if error.is_connection_dropped() || error.is_io_error() => {
                self.noting_silence(pipeline.query_async(&mut self.connection()).await)
            }
            result => result,
        }
    }

    /// A reader of one queue, under the name `consumer`, on a connection of its own: a blocking read would hold up every
    /// other command on a shared one.
    #[must_use]
    pub fn reader<J: Job>(&self, consumer: &str) -> QueueReader<J> {
        QueueReader::new(self.client.clone(), self.key(J::QUEUE), consumer.to_owned())
    }

    /// Removes finished jobs from a queue.
    ///
    /// # Errors
    /// When Redis is away. The jobs will be delivered again, to no effect.
    pub async fn finish(&self, queue: QueueName, ids: &[String]) -> Result<(), RedisError> {
        let key = self.key(queue);
        let mut pipeline = redis::pipe();
        pipeline.xack(&key, GROUP, ids).ignore().xdel(&key, ids).ignore();
        self.noting_silence(pipeline.query_async(&mut self.connection()).await)
    }

    /// How much waits in a queue. A queue that does not exist yet is empty.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn backlog(&self, queue: QueueName) -> Result<Backlog, RedisError> {
        let key = self.key(queue);
        let mut connection = self.connection();
        let length: u64 = self.noting_silence(connection.xlen(&key).await)?;
        let groups: StreamInfoGroupsReply = match connection.xinfo_groups(&key).await {
            // "ERR no such key": nobody has rung or listened yet.
            Err(error) if error.code() == Some("ERR") => StreamInfoGroupsReply::default(),
            groups => groups?,
        };
        let group = groups.groups.iter().find(|group| group.name == GROUP);
        // Redis does not know the lag after some deletions; what is neither delivered nor finished is the same number.
        let lag = group.map_or(length, |group| {
            let undelivered = length.saturating_sub(group.pending as u64);
            group.lag.map_or(undelivered, |lag| lag as u64)
        });
        Ok(Backlog { length, lag })
    }

    /// Makes sure that Redis takes writes: a full one, or one that cannot save, still answers a PING.
    ///
    /// # Errors
    /// When it does not.
    pub async fn probe(&self) -> Result<(), RedisError> {
        let mut write = redis::cmd("SET");
        write.arg(format!("{}:probe", self.key_prefix)).arg("1").arg("EX").arg(PROBE_KEY_S);
        self.noting_silence(write.query_async(&mut self.connection()).await)
    }

    fn connection(&self) -> ConnectionManager {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connection manager connects anew after an error, but not after silence, so a connection that a firewall has
    /// forgotten would stay: it is replaced here.
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

/// Connects on its first command.
fn connect_lazily(client: &Client) -> Result<ConnectionManager, RedisError> {
    let settings = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), settings)
}
