//! Reading a queue as one consumer of its group.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamReadOptions, StreamReadReply,
};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, FromRedisValue, RedisError};

use super::job::Payload;
use super::{GROUP, QueueName};

/// Longest blocking read. A worker that shuts down waits for its current read, so that no job is delivered to a worker
/// that is gone; this limits the wait.
pub(crate) const LONGEST_READ: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A delivered job.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Id of the stream entry, for finishing the job.
    pub(crate) id: String,
    /// Kind of the entry.
    pub(crate) payload: Payload,
}

/// Reads one queue. Reconnects, and creates a missing stream and group, by itself.
pub(crate) struct QueueReader {
    client: Client,
    connection: Option<MultiplexedConnection>,
    key: String,
    consumer: String,
    queue: QueueName,
}

impl QueueReader {
    pub(super) fn new(client: Client, key: String, consumer: String, queue: QueueName) -> Self {
        Self { client, connection: None, key, consumer, queue }
    }

    /// Waits for new jobs, for at most `wait` and never longer than [`LONGEST_READ`], and returns at most `count`.
    ///
    /// # Errors
    /// If Redis is unavailable; the next call reconnects.
    pub(crate) async fn read(&mut self, count: usize, wait: Duration) -> Result<Vec<Delivery>, RedisError> {
        // Redis reads 0 as "block for ever".
        let wait_ms = wait.min(LONGEST_READ).as_millis().max(1);
        let options = StreamReadOptions::default()
            .group(GROUP, &self.consumer)
            .count(count)
            .block(usize::try_from(wait_ms).unwrap_or(1));
        let key = self.key.clone();
        let mut connection = self.connection().await?;
        let reply: Result<Option<StreamReadReply>, _> =
            connection.xread_options(&[&key], &[">"], &options).await;
        match reply {
            Ok(reply) => {
                let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
                Ok(entries.map(|entry| self.delivery(entry)).collect())
            }
            Err(error) => self.recover(error).await.map(|()| Vec::new()),
        }
    }

    /// Takes over up to `count` jobs that were delivered at least `idle` ago and are not finished, since their consumer
    /// may be dead.
    ///
    /// # Errors
    /// If Redis is unavailable; the next call reconnects.
    pub(crate) async fn take_over(
        &mut self,
        idle: Duration,
        count: usize,
    ) -> Result<Vec<Delivery>, RedisError> {
        let (key, consumer) = (self.key.clone(), self.consumer.clone());
        let idle_ms = usize::try_from(idle.as_millis()).unwrap_or(usize::MAX);
        let options = StreamAutoClaimOptions::default().count(count);
        let mut connection = self.connection().await?;
        let reply: Result<StreamAutoClaimReply, _> =
            connection.xautoclaim_options(&key, GROUP, consumer, idle_ms, "0-0", options).await;
        match reply {
            Ok(reply) => Ok(reply.claimed.into_iter().map(|entry| self.delivery(entry)).collect()),
            Err(error) => self.recover(error).await.map(|()| Vec::new()),
        }
    }

    async fn connection(&mut self) -> Result<MultiplexedConnection, RedisError> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            // The default of 500 ms is shorter than the blocking read.
            .set_response_timeout(Some(LONGEST_READ + CONNECT_TIMEOUT));
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Creates a missing group (a new or emptied Redis) from the stream's beginning. Any other error closes the
    /// connection.
    async fn recover(&mut self, error: RedisError) -> Result<(), RedisError> {
        if error.code() == Some("NOGROUP") {
            let key = self.key.clone();
            let mut connection = self.connection().await?;
            return match connection.xgroup_create_mkstream(&key, GROUP, "0").await {
                Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
                created => created,
            };
        }
        self.connection = None;
        Err(error)
    }

    fn delivery(&self, entry: StreamId) -> Delivery {
        let payload = entry.map.get("job").and_then(|value| String::from_redis_value_ref(value).ok());
        let payload = payload.map_or(Payload::Unreadable, |payload| Payload::parse(self.queue, &payload));
        Delivery { id: entry.id, payload }
    }
}
