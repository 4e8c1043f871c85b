//! Errors of object storage.

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use thiserror::Error;

use crate::health::{Dependency, Outage};

/// Reason why an object could not be read or written.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The object (or bucket, or upload) does not exist.
    #[error("no such object")]
    NotFound,
    /// The server is unreachable, overloaded or full, or refuses this service. Waiting or an operator can help; an
    /// immediate retry cannot. The text is for the log.
    #[error("object storage is unavailable: {0}")]
    Unavailable(String),
}

impl StorageError {
    /// True if waiting may help; the attempt is not counted.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The error as an outage for the breaker, if it is one.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.is_outage().then(|| Outage::new(Dependency::Minio, self))
    }

    pub(super) fn from_sdk<E>(error: SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> Self
    where
        SdkError<E, aws_sdk_s3::config::http::HttpResponse>: std::error::Error + ProvideErrorMetadata,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        // A missing bucket is a misconfigured store and says nothing about the object.
        if status == Some(404) && error.code() != Some("NoSuchBucket") {
            Self::NotFound
        } else {
            Self::Unavailable(DisplayErrorContext(error).to_string())
        }
    }
}
