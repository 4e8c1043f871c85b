//! What object storage can answer other than the object.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use thiserror::Error;

use crate::health::{Dependency, Outage};

/// Why an object could not be read or written.
#[derive(Debug, Error)]
pub enum StorageError {
    /// There is no such object (or bucket, or upload).
    #[error("no such object")]
    NotFound,
    /// The server is away, overloaded, full, or refuses this service: waiting or an operator helps, a retry at once does
    /// not. The text is for the log.
    #[error("object storage is unavailable: {0}")]
    Unavailable(String),
}

impl StorageError {
    /// Waiting may help; it counts as no attempt.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The same as an outage to tell a breaker of.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        self.is_outage().then(|| Outage::new(Dependency::Minio, self))
    }

    pub(super) fn from_sdk<E>(error: SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> Self
    where
        SdkError<E, aws_sdk_s3::config::http::HttpResponse>: std::error::Error + ProvideErrorMetadata,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        // Without its bucket the store is not what it was: nothing can be said about the object.
        if status == Some(404) && error.code() != Some("NoSuchBucket") {
            Self::NotFound
        } else {
            Self::Unavailable(DisplayErrorContext(error).to_string())
        }
    }
}
