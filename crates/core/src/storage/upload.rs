//! Upload of an object of unknown length in bounded memory: a small object is sent in one request at the end, a large
//! one in parts. Some servers refuse a single request with a body of unknown length.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;

use super::{PART_TIMEOUT, StorageError};

/// Bytes per part: 5 MiB is the minimum of S3, and also the memory that an upload uses.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Timeout for putting the parts together, which some servers do by copying them.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(60);

const WORKBOOK_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// ETag from the server, without quotes.
    pub etag: String,
    /// Bytes stored.
    pub size_bytes: u64,
}

impl StoredObject {
    pub(super) fn new(etag: Option<String>, size_bytes: u64) -> Self {
        Self { etag: etag.unwrap_or_default().trim_matches('"').to_owned(), size_bytes }
    }
}

/// An upload in progress. Dropping it leaves its parts behind; [`ObjectUpload::abort`] removes them.
pub struct ObjectUpload {
    client: Client,
    bucket: String,
    key: String,
    content_type: &'static str,
    buffer: BytesMut,
    multipart_id: Option<String>,
    parts: Vec<CompletedPart>,
    size_bytes: u64,
}

impl ObjectUpload {
    pub(super) fn new(client: Client, bucket: String, key: String) -> Self {
        let content_type = if key.ends_with(".xlsx") { WORKBOOK_TYPE } else { "text/csv" };
        Self {
            client,
            bucket,
            key,
            content_type,
            buffer: BytesMut::new(),
            multipart_id: None,
            parts: Vec::new(),
            size_bytes: 0,
        }
    }

    /// Id of the multipart upload, once one was started.
    #[must_use]
    pub fn multipart_id(&self) -> Option<&str> {
        self.multipart_id.as_deref()
    }

    /// Appends bytes. Returns true if a part was stored.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn write<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<bool, StorageError>> {
        Box::pin(async move {
            self.size_bytes += bytes.len() as u64;
            self.buffer.extend_from_slice(bytes);
            let mut stored = false;
            while self.buffer.len() >= PART_BYTES {
                let part = self.buffer.split_to(PART_BYTES).freeze();
                self.put_part(part).await?;
                stored = true;
            }
            Ok(stored)
        })
    }

    /// Stores the remaining bytes and makes the object visible.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn finish<'a>(&'a mut self) -> BoxFuture<'a, Result<StoredObject, StorageError>> {
        Box::pin(async move {
            let rest = std::mem::take(&mut self.buffer).freeze();
            let Some(multipart_id) = self.multipart_id.clone() else {
                let request = self
                    .client
                    .put_object()
                    .bucket(&self.bucket)
                    .key(&self.key)
                    .content_type(self.content_type);
                let stored =
                    request.body(ByteStream::from(rest)).send().await.map_err(StorageError::from_sdk)?;
                return Ok(StoredObject::new(stored.e_tag, self.size_bytes));
            };
            if !rest.is_empty() {
                self.put_part(rest).await?;
            }
            let stored = self.complete(&multipart_id).await?;
            self.multipart_id = None;
            Ok(stored)
        })
    }

    /// Removes everything stored so far.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn abort<'a>(&'a mut self) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move {
            match self.multipart_id.take() {
                Some(multipart_id) => abort(&self.client, &self.bucket, &self.key, &multipart_id).await,
                None => Ok(()),
            }
        })
    }

    async fn put_part(&mut self, part: Bytes) -> Result<(), StorageError> {
        let multipart_id = self.begin_multipart().await?;
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let stored = self
            .client
            .upload_part()
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(multipart_id)
            .part_number(number)
            .body(ByteStream::from(part))
            .customize()
            .config_override(attempts_of(PART_TIMEOUT))
            .send()
            .await
            .map_err(StorageError::from_sdk)?;
        self.parts.push(CompletedPart::builder().part_number(number).set_e_tag(stored.e_tag).build());
        Ok(())
    }

    /// Puts the parts together.
    async fn complete(&mut self, multipart_id: &str) -> Result<StoredObject, StorageError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.parts)));
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key)
            .upload_id(multipart_id)
            .multipart_upload(parts.build())
            .customize()
            .config_override(attempts_of(COMPLETE_TIMEOUT))
            .send()
            .await;
        let error = match completed {
            Ok(completed) => return Ok(StoredObject::new(completed.e_tag, self.size_bytes)),
            Err(error) => error,
        };
        let is_refused = error.raw_response().is_some_and(|answer| is_refusal(answer.status().as_u16()));
        let error = StorageError::from_sdk(error);
        // The server may have completed the upload although its response was lost. No other upload uses this key.
        if is_refused { Err(error) } else { self.find().await.ok_or(error) }
    }

    /// The object, if it is there with every byte.
    async fn find(&self) -> Option<StoredObject> {
        let found = self.client.head_object().bucket(&self.bucket).key(&self.key).send().await.ok()?;
        let size_bytes = found.content_length.and_then(|length| u64::try_from(length).ok());
        (size_bytes == Some(self.size_bytes)).then(|| StoredObject::new(found.e_tag, self.size_bytes))
    }

    async fn begin_multipart(&mut self) -> Result<String, StorageError> {
        if let Some(multipart_id) = &self.multipart_id {
            return Ok(multipart_id.clone());
        }
        let request = self.client.create_multipart_upload().bucket(&self.bucket).key(&self.key);
        let created = request.content_type(self.content_type).send().await.map_err(StorageError::from_sdk)?;
        let id = created.upload_id.ok_or_else(|| {
            StorageError::Unavailable("the server began an upload without an id".to_owned())
        })?;
        self.multipart_id = Some(id.clone());
        Ok(id)
    }
}

/// True if a response with this status shows that the upload was not completed. 404 does not: an attempt that was
/// repeated after its response was lost finds no upload any more.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 404 | 408)
}

/// A configuration with a time-out of its own for each attempt.
fn attempts_of(timeout: Duration) -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(timeout).build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}

pub(super) async fn abort(
    client: &Client,
    bucket: &str,
    key: &str,
    multipart_id: &str,
) -> Result<(), StorageError> {
    let aborted =
        client.abort_multipart_upload().bucket(bucket).key(key).upload_id(multipart_id).send().await;
    match aborted.map_err(StorageError::from_sdk) {
        Err(StorageError::NotFound) => Ok(()),
        aborted => aborted.map(|_| ()),
    }
}
