//! Job payloads. They are versioned, since a worker of one version may read what another wrote during a rolling
//! upgrade; the golden texts in the tests must parse for ever.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::QueueName;
use crate::chunk::ChunkId;
use crate::db::Bell;

/// The payload version that this build writes, and the only one that it can read.
const VERSION: u32 = 1;

/// A queue entry as this build understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload<J> {
    /// A job.
    Job(J),
    /// A job in a form that another version has written. It is left for a worker of that version.
    UnknownVersion(u32),
    /// No job at all. It should be finished: PostgreSQL knows what was meant.
    Unreadable,
}

impl<J: Job> Payload<J> {
    pub(super) fn parse(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        // The version first: the rest of another version's payload may have any form.
        match serde_json::from_str(text) {
            Ok(Versioned { v: VERSION }) => serde_json::from_str(text).map_or(Self::Unreadable, Self::Job),
            Ok(Versioned { v }) => Self::UnknownVersion(v),
            Err(_) => Self::Unreadable,
        }
    }
}

/// A job of one of the queues.
pub trait Job: DeserializeOwned + Send + 'static {
    /// The queue that carries it.
    const QUEUE: QueueName;

    /// Trace context of the request that it comes from.
    fn traceparent(&self) -> &str;
}

/// "This file waits to be chunked."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkingJob {
    /// Payload version.
    pub v: u32,
    /// The action.
    pub action_id: Uuid,
    /// Trace context.
    pub traceparent: String,
}

/// "This chunk waits to be processed."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkJob {
    /// Payload version.
    pub v: u32,
    /// The chunk.
    #[serde(flatten)]
    pub chunk: ChunkId,
    /// Trace context.
    pub traceparent: String,
}

impl Job for ChunkingJob {
    const QUEUE: QueueName = QueueName::Chunking;

    fn traceparent(&self) -> &str {
        &self.traceparent
    }
}

impl Job for ChunkJob {
    const QUEUE: QueueName = QueueName::Processing;

    fn traceparent(&self) -> &str {
        &self.traceparent
    }
}

pub(super) fn encode(bell: &Bell) -> (QueueName, String) {
    let (queue, payload) = match bell.clone() {
        Bell::Chunking { action_id, traceparent } => {
            let job = ChunkingJob { v: VERSION, action_id, traceparent };
            (ChunkingJob::QUEUE, serde_json::to_string(&job))
        }
        Bell::Processing { chunk, traceparent } => {
            let job = ChunkJob { v: VERSION, chunk, traceparent };
            (ChunkJob::QUEUE, serde_json::to_string(&job))
        }
    };
    // Ids and strings always serialise; an empty payload would be dropped by the reader and rung again.
    (queue, payload.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKING: &str = r#"{"v":1,"actionId":"0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11","traceparent":"00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01"}"#;
    const CHUNK: &str = r#"{"v":1,"actionId":"0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11","partition":3,"seq":17,"traceparent":"00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01"}"#;

    #[test]
    fn payloads_of_version_1_parse_and_are_what_is_written() {
        let job: ChunkingJob = serde_json::from_str(CHUNKING).unwrap();
        let bell = Bell::Chunking { action_id: job.action_id, traceparent: job.traceparent };
        assert_eq!(encode(&bell), (QueueName::Chunking, CHUNKING.to_owned()));

        let job: ChunkJob = serde_json::from_str(CHUNK).unwrap();
        assert_eq!((job.chunk.partition, job.chunk.seq), (3, 17));
        let bell = Bell::Processing { chunk: job.chunk, traceparent: job.traceparent };
        assert_eq!(encode(&bell), (QueueName::Processing, CHUNK.to_owned()));
    }

    #[test]
    fn a_job_of_another_version_is_told_from_one_that_nobody_can_read() {
        assert!(matches!(Payload::<ChunkJob>::parse(CHUNK), Payload::Job(_)));
        let newer = CHUNK.replace(r#""v":1"#, r#""v":2"#);
        assert_eq!(Payload::<ChunkJob>::parse(&newer), Payload::UnknownVersion(2));
        assert_eq!(Payload::<ChunkJob>::parse(r#"{"v":7,"what":"else"}"#), Payload::UnknownVersion(7));
        for broken in ["", "null", "{}", r#"{"v":1}"#, CHUNKING] {
            assert_eq!(Payload::<ChunkJob>::parse(broken), Payload::Unreadable, "{broken}");
        }
    }
}
