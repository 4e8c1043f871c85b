//! Health of the service and its dependencies. These responses have their fields at the top level instead of under
//! `data`, because probes and dashboards look for `status` there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ErrorBody, Timestamp};

/// Health of the service.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer<T> {
    pub success: bool,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// `healthy`, `unhealthy`, `ready`, `not_ready`, `draining` or `alive`.
    #[schema(example = "healthy")]
    pub status: String,
    pub version: String,
    #[serde(flatten)]
    pub found: T,
    pub timestamp: Timestamp,
    pub trace_id: Uuid,
}

/// Health of each dependency.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Services {
    pub services: BTreeMap<String, bool>,
}

/// No content: the response itself shows that the process is alive.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Alive {}

/// Result of probing each dependency for this request.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Detailed {
    pub checks: BTreeMap<String, Check>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Check {
    #[serde(rename_all = "camelCase")]
    Dependency {
        healthy: bool,
        /// Milliseconds.
        response_time: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        bucket_exists: Option<bool>,
    },
    #[serde(rename_all = "camelCase")]
    Memory {
        healthy: bool,
        // Without this, an untagged uptime, which lacks the field, would parse as memory.
        #[serde(deserialize_with = "Option::deserialize")]
        #[schema(required)]
        resident_bytes: Option<u64>,
    },
    #[serde(rename_all = "camelCase")]
    Uptime { healthy: bool, seconds: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_reads_back_as_what_it_was() {
        for check in [
            Check::Dependency { healthy: true, response_time: 1.5, bucket_exists: None },
            Check::Memory { healthy: true, resident_bytes: None },
            Check::Uptime { healthy: true, seconds: 3 },
        ] {
            let text = serde_json::to_string(&check).unwrap();
            assert_eq!(serde_json::from_str::<Check>(&text).unwrap(), check, "{text}");
        }
    }
}
