//! S3 object storage. Keys are computed ([`keys`]), never taken from a client.
//!
//! Operations return boxed futures. Those of the SDK are large, and a future that is not behind a pointer is compiled again in
//! every crate that awaits it.

mod error;
pub mod keys;
mod upload;

pub use error::StorageError;
pub use upload::{ObjectUpload, StoredObject};

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;
use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use tokio::io::AsyncRead;

use crate::config::StorageConfig;
use crate::file_name::content_disposition;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of one attempt at a request, up to the response headers. The client itself has none and would wait for ever
/// for a silent server.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
const MAX_ATTEMPTS: u32 = 2;
/// Timeout for reading a whole small object. The client detects a body that stops, but not one that trickles.
const GET_TIMEOUT: Duration = Duration::from_secs(20);
/// Timeout for a part of an upload, which has 5 MiB. It is generous, because a client is waiting and cannot send its
/// body again.
const PART_TIMEOUT: Duration = Duration::from_secs(30);

/// Unfinished multipart uploads, by key and id.
pub type UnfinishedUploads = Vec<(String, String)>;

/// The platform's bucket. Cheap to clone.
#[derive(Clone)]
pub struct ObjectStore {
    client: Client,
    /// Used only to sign links; has the public host name.
    public_client: Client,
    bucket: String,
}

impl ObjectStore {
    /// A client for the bucket. Does not connect yet.
    #[must_use]
    pub fn new(config: &StorageConfig) -> Self {
        let credentials = Credentials::new(
            config.access_key.expose_secret(),
            config.secret_key.expose_secret(),
            None,
            None,
            "settings",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let settings = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(config.endpoint_url())
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(true)
            // Servers other than Amazon's do not agree on the newer default checksums.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
            .build();
        let client = Client::from_conf(settings.clone());
        let public_client = match &config.public_url {
            Some(url) => Client::from_conf(settings.to_builder().endpoint_url(url.as_str()).build()),
            None => client.clone(),
        };
        Self { client, public_client, bucket: config.bucket.clone() }
    }

    /// Creates the bucket if it is missing.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn ensure_bucket<'a>(&'a self) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move {
            if self.bucket_exists().await? {
                return Ok(());
            }
            match self.client.create_bucket().bucket(&self.bucket).send().await {
                Ok(_) => Ok(()),
                // Another process may have created it at the same time.
                Err(error) => {
                    if self.bucket_exists().await? {
                        Ok(())
                    } else {
                        Err(StorageError::from_sdk(error))
                    }
                }
            }
        })
    }

    /// True if the bucket exists. Also the cheapest check that the server responds.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn bucket_exists<'a>(&'a self) -> BoxFuture<'a, Result<bool, StorageError>> {
        Box::pin(async move {
            match self.client.head_bucket().bucket(&self.bucket).send().await {
                Ok(_) => Ok(true),
                Err(error) => match StorageError::from_sdk(error) {
                    StorageError::NotFound => Ok(false),
                    error => Err(error),
                },
            }
        })
    }

    /// Stores a small object.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn put<'a>(&'a self, key: &'a str, body: Bytes) -> BoxFuture<'a, Result<StoredObject, StorageError>> {
        Box::pin(async move {
            let size_bytes = body.len() as u64;
            let request = self.client.put_object().bucket(&self.bucket).key(key).content_type("text/csv");
            let stored = request.body(ByteStream::from(body)).send().await.map_err(StorageError::from_sdk)?;
            Ok(StoredObject::new(stored.e_tag, size_bytes))
        })
    }

    /// Starts an upload of unknown length.
    #[must_use]
    pub fn upload(&self, key: &str) -> ObjectUpload {
        ObjectUpload::new(self.client.clone(), self.bucket.clone(), key.to_owned())
    }

    /// Reads a whole small object.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], or if the server is unavailable.
    pub fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Bytes, StorageError>> {
        Box::pin(async move {
            let fetch = async {
                let object = self.client.get_object().bucket(&self.bucket).key(key).send().await;
                let body = object.map_err(StorageError::from_sdk)?.body;
                let bytes =
                    body.collect().await.map_err(|error| StorageError::Unavailable(error.to_string()))?;
                Ok(bytes.into_bytes())
            };
            whole(fetch).await
        })
    }

    /// Reads at most `length` bytes of an object from byte `from`: fewer at its end, none beyond it.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], or if the server is unavailable.
    pub fn get_piece<'a>(
        &'a self,
        key: &'a str,
        from: u64,
        length: u64,
    ) -> BoxFuture<'a, Result<Bytes, StorageError>> {
        Box::pin(async move {
            let range = format!("bytes={from}-{}", from.saturating_add(length).saturating_sub(1));
            let request = self.client.get_object().bucket(&self.bucket).key(key).range(range);
            let fetch = async {
                let body = match request.send().await {
                    Ok(object) => object.body,
                    // Range not satisfiable: the object ends here.
                    Err(error)
                        if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 416) =>
                    {
                        return Ok(Bytes::new());
                    }
                    Err(error) => return Err(StorageError::from_sdk(error)),
                };
                let bytes =
                    body.collect().await.map_err(|error| StorageError::Unavailable(error.to_string()))?;
                Ok(bytes.into_bytes())
            };
            whole(fetch).await
        })
    }

    /// Opens an object for reading as a stream.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], or if the server is unavailable.
    pub async fn open(&self, key: &str) -> Result<impl AsyncRead + Send + Unpin + use<>, StorageError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        Ok(object.map_err(StorageError::from_sdk)?.body.into_async_read())
    }

    /// Deletes an object. Succeeds if it does not exist.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move {
            let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
            deleted.map(|_| ()).map_err(StorageError::from_sdk)
        })
    }

    /// Up to a thousand keys that start with `prefix` and sort after `after`, in order. Empty when there are no more.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let listing = request.set_start_after(after.map(str::to_owned)).send().await;
            let found = listing.map_err(StorageError::from_sdk)?.contents.unwrap_or_default();
            Ok(found.into_iter().filter_map(|object| object.key).collect())
        })
    }

    /// Deletes up to a thousand objects in one request; missing objects are ignored. Returns the server's reason for
    /// each object that it did not delete.
    ///
    /// # Errors
    /// If the server is unavailable, or refuses the request as a whole.
    pub fn delete_all<'a>(&'a self, keys: &'a [String]) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let objects =
                keys.iter().filter_map(|key| ObjectIdentifier::builder().key(key).build().ok()).collect();
            let batch = Delete::builder().set_objects(Some(objects)).quiet(true).build();
            let batch = batch.map_err(|error| StorageError::Unavailable(error.to_string()))?;
            let deleted = self.client.delete_objects().bucket(&self.bucket).delete(batch).send().await;
            let refused = deleted.map_err(StorageError::from_sdk)?.errors.unwrap_or_default();
            let reason = |error: aws_sdk_s3::types::Error| error.message.or(error.code).unwrap_or_default();
            Ok(refused.into_iter().map(reason).collect())
        })
    }

    /// Aborts an unfinished multipart upload. Servers differ on one that does not exist: success, or an error.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub(crate) fn abort_upload<'a>(
        &'a self,
        key: &'a str,
        multipart_id: &'a str,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async move { upload::abort(&self.client, &self.bucket, key, multipart_id).await })
    }

    /// The unfinished multipart uploads below `prefix`, by key and id; `None` if the server cannot list them.
    ///
    /// # Errors
    /// If the server is unavailable or refuses the request.
    pub fn unfinished_uploads<'a>(
        &'a self,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Option<UnfinishedUploads>, StorageError>> {
        Box::pin(async move {
            let mut request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(prefix);
            let mut found = Vec::new();
            loop {
                let listing = match request.clone().send().await {
                    Ok(listing) => listing,
                    // Not implemented by the server, or not allowed for the services' key.
                    Err(error)
                        if error
                            .raw_response()
                            .is_some_and(|answer| [403, 405, 501].contains(&answer.status().as_u16())) =>
                    {
                        return Ok(None);
                    }
                    Err(error) => return Err(StorageError::from_sdk(error)),
                };
                let uploads = listing.uploads.unwrap_or_default();
                found.extend(uploads.into_iter().filter_map(|upload| Some((upload.key?, upload.upload_id?))));
                if listing.is_truncated != Some(true) {
                    return Ok(Some(found));
                }
                request = request
                    .set_key_marker(listing.next_key_marker)
                    .set_upload_id_marker(listing.next_upload_id_marker);
            }
        })
    }

    /// A link for downloading the object under the name `file_name`, valid for `valid_for`.
    ///
    /// # Errors
    /// If the link cannot be signed.
    pub fn download_url<'a>(
        &'a self,
        key: &'a str,
        file_name: &'a str,
        valid_for: Duration,
    ) -> BoxFuture<'a, Result<String, StorageError>> {
        Box::pin(async move {
            let signing = PresigningConfig::expires_in(valid_for)
                .map_err(|error| StorageError::Unavailable(error.to_string()))?;
            let request = self
                .public_client
                .get_object()
                .bucket(&self.bucket)
                .key(key)
                .response_content_disposition(content_disposition(file_name));
            let signed = request.presigned(signing).await.map_err(StorageError::from_sdk)?;
            Ok(signed.uri().to_owned())
        })
    }
}

/// Bounds the time for an object, or a piece of one, to arrive.
async fn whole(fetch: impl Future<Output = Result<Bytes, StorageError>>) -> Result<Bytes, StorageError> {
    let late = || StorageError::Unavailable(format!("no whole object within {} s", GET_TIMEOUT.as_secs()));
    tokio::time::timeout(GET_TIMEOUT, fetch).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Settings};

    async fn link(public_url: &str) -> String {
        let settings: Settings = [
            ("DATABASE_URL", "postgres://localhost/x"),
            ("REDIS_URL", "redis://localhost"),
            ("MINIO_ENDPOINT", "minio"),
            ("MINIO_ACCESS_KEY", "x"),
            ("MINIO_SECRET_KEY", "x"),
            ("MINIO_PUBLIC_URL", public_url),
        ]
        .into_iter()
        .collect();
        let store = ObjectStore::new(&Config::from_settings(&settings).unwrap().storage);
        store.download_url("a/b.csv", "b.csv", Duration::from_secs(60)).await.unwrap()
    }

    #[tokio::test]
    async fn download_links_lead_to_where_callers_reach_the_store() {
        let inside = link("").await;
        assert!(inside.starts_with("http://minio:9000/bulk-actions/a/b.csv?"), "{inside}");
        let outside = link("https://files.example.com").await;
        assert!(outside.starts_with("https://files.example.com/bulk-actions/a/b.csv?"), "{outside}");
    }
}
