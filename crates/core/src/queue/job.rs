//! Job payloads. They carry a version, since during a rolling upgrade a worker of one version may read payloads of
//! another. The golden payloads in the tests must always parse.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::QueueName;
use crate::chunk::ChunkId;
use crate::db::Bell;

/// Payload version that this build writes, and the only one that it reads.
const VERSION: u32 = 1;

/// A parsed queue entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload<J> {
    /// A job.
    Job(J),
    /// A payload of another version. It stays in the queue for a worker of that version.
    UnknownVersion(u32),
    /// An invalid payload. It can be finished: PostgreSQL knows the work that it stood for.
    Unreadable,
}

impl<J: Job> Payload<J> {
    pub(super) fn parse(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        // The version is parsed first, because the rest of another version's payload may have any form.
        match serde_json::from_str(text) {
            Ok(Versioned { v: VERSION }) => serde_json::from_str(text).map_or(Self::Unreadable, Self::Job),
            Ok(Versioned { v }) => Self::UnknownVersion(v),
            Err(_) => Self::Unreadable,
        }
    }
}

/// A job of one of the queues.
pub trait Job: DeserializeOwned + Send + 'static {
    /// Queue that carries the job.
    const QUEUE: QueueName;

    /// Trace context of the originating request.
    fn traceparent(&self) -> &str;
}

/// Job: a file waits to be chunked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileJob {
    /// Payload version.
    pub v: u32,
    /// The action.
    pub action_id: Uuid,
    /// Trace context.
    pub traceparent: String,
}

/// Job: a chunk waits to be processed.
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

impl Job for FileJob {
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
        Bell::File { action_id, traceparent } => {
            let job = FileJob { v: VERSION, action_id, traceparent };
            (FileJob::QUEUE, serde_json::to_string(&job))
        }
        Bell::Chunk { chunk, traceparent } => {
            let job = ChunkJob { v: VERSION, chunk, traceparent };
            (ChunkJob::QUEUE, serde_json::to_string(&job))
        }
    };
    // Ids and strings always serialise. The reader would drop an empty payload, and the reconciler would ring again.
    (queue, payload.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKING: &str = r#"{"v":1,"actionId":"0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11","traceparent":"00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01"}"#;
    const CHUNK: &str = r#"{"v":1,"actionId":"0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11","partition":3,"seq":17,"traceparent":"00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01"}"#;

    #[test]
    fn payloads_of_version_1_parse_and_are_what_is_written() {
        let job: FileJob = serde_json::from_str(CHUNKING).unwrap();
        let bell = Bell::File { action_id: job.action_id, traceparent: job.traceparent };
        assert_eq!(encode(&bell), (QueueName::Chunking, CHUNKING.to_owned()));

        let job: ChunkJob = serde_json::from_str(CHUNK).unwrap();
        assert_eq!((job.chunk.partition, job.chunk.seq), (3, 17));
        let bell = Bell::Chunk { chunk: job.chunk, traceparent: job.traceparent };
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
