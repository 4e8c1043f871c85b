//! Jobs and their payloads. A payload carries a version, since during a rolling upgrade a worker of one version may read
//! payloads of another. The golden payloads in the tests must always parse.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::QueueName;
use crate::chunk::ChunkId;

/// Payload version that this build writes, and the only one that it reads.
const VERSION: u32 = 1;

/// A bell: work waits in PostgreSQL. Transactions return jobs, to be put into their queue after the commit. A worker that gets
/// one claims the work that is next in turn, whichever the job names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Job {
    /// A chunk waits to be processed. Before the file, whose fields it has too.
    Chunk {
        /// Chunk that waits.
        #[serde(flatten)]
        chunk: ChunkId,
        /// Trace context of the action.
        traceparent: String,
    },
    /// A file waits to be chunked.
    File {
        /// Action whose file waits.
        action_id: Uuid,
        /// Trace context of the action.
        traceparent: String,
    },
}

impl Job {
    /// Queue that carries the job.
    pub(super) fn queue(&self) -> QueueName {
        match self {
            Self::Chunk { .. } => QueueName::Processing,
            Self::File { .. } => QueueName::Chunking,
        }
    }

    /// The payload.
    pub(super) fn encode(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            v: u32,
            #[serde(flatten)]
            job: &'a Job,
        }
        // Ids and strings always serialise. The reader would drop an empty payload, and the reconciler would ring again.
        serde_json::to_string(&Versioned { v: VERSION, job: self }).unwrap_or_default()
    }
}

/// Kind of a queue entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A job of the queue.
    Job,
    /// A payload of another version. It stays in the queue for a worker of that version.
    UnknownVersion(u32),
    /// An invalid payload. It can be finished: PostgreSQL knows the work that it stood for.
    Unreadable,
}

impl Payload {
    /// Reads an entry of `queue`.
    pub(super) fn parse(queue: QueueName, text: &str) -> Self {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        // The version is parsed first, because the rest of another version's payload may have any form.
        match serde_json::from_str(text) {
            Ok(Versioned { v: VERSION }) => match serde_json::from_str::<Job>(text) {
                Ok(job) if job.queue() == queue => Self::Job,
                _ => Self::Unreadable,
            },
            Ok(Versioned { v }) => Self::UnknownVersion(v),
            Err(_) => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKING: &str = r#"{"v":1,"actionId":"0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11","traceparent":"00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01"}"#;
    const CHUNK: &str = r#"{"v":1,"actionId":"0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11","partition":3,"seq":17,"traceparent":"00-0192d3f07c1e7b7a9d553f1f0e6a4c11-00f067aa0ba902b7-01"}"#;

    #[test]
    fn payloads_of_version_1_parse_and_are_what_is_written() {
        for (queue, text) in [(QueueName::Chunking, CHUNKING), (QueueName::Processing, CHUNK)] {
            let job: Job = serde_json::from_str(text).unwrap();
            assert_eq!((job.queue(), job.encode()), (queue, text.to_owned()));
            assert_eq!(Payload::parse(queue, text), Payload::Job);
        }
        let job: Job = serde_json::from_str(CHUNK).unwrap();
        assert!(
            matches!(job, Job::Chunk { chunk, .. } if (chunk.partition, chunk.seq) == (3, 17)),
            "{job:?}"
        );
    }

    #[test]
    fn a_job_of_another_version_is_told_from_one_that_nobody_can_read() {
        let parse = |text: &str| Payload::parse(QueueName::Processing, text);
        let newer = CHUNK.replace(r#""v":1"#, r#""v":2"#);
        assert_eq!(parse(&newer), Payload::UnknownVersion(2));
        assert_eq!(parse(r#"{"v":7,"what":"else"}"#), Payload::UnknownVersion(7));
        for broken in ["", "null", "{}", r#"{"v":1}"#, CHUNKING] {
            assert_eq!(parse(broken), Payload::Unreadable, "{broken}");
        }
        assert_eq!(Payload::parse(QueueName::Chunking, CHUNK), Payload::Unreadable);
    }
}
