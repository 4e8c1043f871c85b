//! `Idempotency-Key`: its form, and the comparison of uploads.
//!
//! Two payloads are compared by 128 bits of XXH3 over the checked fields and the file's bytes. This is not a
//! cryptographic hash: a client that constructs two files with the same hash gets the response to the first one for the
//! second, within its own account. Accidental collisions do not occur in practice, and the hash costs next to nothing.

use std::borrow::Cow;

use axum::http::HeaderMap;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use xxhash_rust::xxh3::Xxh3;

use super::form::UploadRequest;
use crate::error::ApiError;

const HEADER: &str = "Idempotency-Key";
const MAX_CHARS: usize = 255;

/// The client's key, if one was sent.
///
/// # Errors
/// If it is not a single key of 1 to 255 visible ASCII characters.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.as_bytes();
    let is_key = (1..=MAX_CHARS).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match (std::str::from_utf8(key), values.next()) {
        (Ok(key), None) if is_key => Ok(Some(key.to_owned())),
        (_, Some(_)) => Err(ApiError::invalid(HEADER, "must be given only once")),
        _ => Err(ApiError::invalid(HEADER, format!("must be 1 to {MAX_CHARS} visible ASCII characters"))),
    }
}

/// Valid keys, for the OpenAPI document.
pub(crate) enum IdempotencyKeyText {}

impl PartialSchema for IdempotencyKeyText {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        schema.pattern(Some(format!("^[!-~]{{1,{MAX_CHARS}}}$"))).examples(["import-2026-01-31"]).into()
    }
}

impl ToSchema for IdempotencyKeyText {
    fn name() -> Cow<'static, str> {
        "IdempotencyKey".into()
    }
}

/// Hashes an upload while it streams.
#[derive(Default)]
pub(super) struct PayloadHash {
    file: Xxh3,
    size_bytes: u64,
}

impl PayloadHash {
    /// Adds a piece of the file.
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.file.update(piece);
        self.size_bytes += piece.len() as u64;
    }

    /// The hash of the file and its fields. The fields are hashed in their checked form, so that an explicit default,
    /// another order, or another notation of a time makes no difference. The file name is not included, since it is
    /// only displayed.
    ///
    /// # Errors
    /// Never: the fields always serialise.
    pub(super) fn finish(&self, request: &UploadRequest) -> Result<[u8; 16], ApiError> {
        let fields =
            (request.entity.name(), request.action_type, &request.configuration, request.scheduled_at);
        let mut whole = Xxh3::new();
        whole.update(&self.file.digest128().to_be_bytes());
        whole.update(&self.size_bytes.to_be_bytes());
        whole.update(&serde_json::to_vec(&fields).map_err(ApiError::internal)?);
        Ok(whole.digest128().to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        idempotency_key(&headers)
    }

    #[test]
    fn a_key_is_up_to_255_visible_ascii_characters() {
        assert_eq!(read(&[]).unwrap(), None);
        for key in ["a", "order-17/2026!", &"k".repeat(255)] {
            assert_eq!(read(&[key.as_bytes()]).unwrap().as_deref(), Some(key));
        }
        let too_long = "k".repeat(256);
        for bad in ["", "two words", "k\u{e9}y", &too_long] {
            match read(&[bad.as_bytes()]) {
                Err(ApiError::Validation(details)) => assert_eq!(details[0].field, "Idempotency-Key"),
                other => panic!("{bad:?} was taken: {other:?}"),
            }
        }
        assert!(read(&[b"a", b"a"]).is_err(), "one key, not two");
    }
}
