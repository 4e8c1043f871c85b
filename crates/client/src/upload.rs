//! `POST /bulk-actions`: uploads a file with its options as one action.

use std::sync::Arc;

use api_types::{ActionType, CreatedView, Success};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::sleep;
use uuid::Uuid;

use crate::patience::Attempts;
use crate::source::{Meter, Reading};
use crate::{Client, ClientError, Source};

type OnSent = Arc<dyn Fn(Sent) + Send + Sync>;

/// Progress of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of the file passed to the connection.
    pub bytes: u64,
    /// True if all bytes have been passed, so that the response is due.
    pub is_whole: bool,
}

/// A file with the options of its upload.
#[derive(Clone)]
pub struct Upload {
    source: Source,
    file_name: String,
    media_type: String,
    fields: Vec<(String, String)>,
    idempotency_key: Option<String>,
    on_sent: Option<OnSent>,
}

/// Result of an upload.
#[derive(Debug, Clone)]
pub struct Created {
    /// The action.
    pub action: CreatedView,
    /// True if this upload created it, rather than an earlier one with the same key.
    pub is_new: bool,
}

impl Upload {
    /// An upload of `source` under the name `file_name`, with a random idempotency key.
    pub fn new(source: Source, file_name: impl Into<String>) -> Self {
        Self {
            source,
            file_name: file_name.into(),
            media_type: "text/csv".to_owned(),
            fields: Vec::new(),
            idempotency_key: Some(Uuid::new_v4().to_string()),
            on_sent: None,
        }
    }

    /// Sets the entity and the operation.
    #[must_use]
    pub fn action(self, entity: &str, action_type: ActionType) -> Self {
        self.field("entityType", entity).field("actionType", action_type.as_str())
    }

    /// Adds a field, such as `deduplicate`.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Replaces the media type `text/csv`.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// Replaces the random idempotency key. With `None`, an upload is not retried after a broken connection.
    #[must_use]
    pub fn idempotency_key(mut self, key: Option<String>) -> Self {
        self.idempotency_key = key;
        self
    }

    /// Calls `on_sent` as bytes are passed to the connection; a retry starts at 0 again.
    #[must_use]
    pub fn on_sent(mut self, on_sent: impl Fn(Sent) + Send + Sync + 'static) -> Self {
        self.on_sent = Some(Arc::new(on_sent));
        self
    }

    async fn open(&self) -> Result<Reading, ClientError> {
        let on_sent = self.on_sent.clone();
        let tell = move |bytes, is_whole| {
            if let Some(on_sent) = &on_sent {
                on_sent(Sent { bytes, is_whole });
            }
        };
        tell(0, false);
        self.source.open(tell).await
    }

    /// The fields come first, so that the service can check the file while it arrives.
    fn form(&self, reading: Reading) -> Result<(Form, Arc<Meter>), ClientError> {
        let Reading { body, length, meter } = reading;
        let part = match length {
            Some(length) => Part::stream_with_length(body, length),
            None => Part::stream(body),
        };
        let part = part
            .file_name(self.file_name.clone())
            .mime_str(&self.media_type)
            .map_err(|_| ClientError::Setup(format!("{:?} is no media type", self.media_type)))?;
        let fields = self.fields.iter().cloned();
        let form = fields.fold(Form::new(), |form, (name, value)| form.text(name, value));
        Ok((form.part("file", part), meter))
    }

    fn may_repeat(&self, error: &ClientError) -> bool {
        let is_safe = self.idempotency_key.is_some() || error.is_before_action();
        error.is_transient() && is_safe && self.source.is_readable()
    }
}

impl Client {
    /// Uploads a file and creates an action.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn upload(&self, upload: &Upload) -> Result<Created, ClientError> {
        let response = self.post_form("/bulk-actions", upload).await?;
        let is_new = response.status() == StatusCode::CREATED;
        let answer: Success<CreatedView> = self.read_json(response).await?;
        Ok(Created { action: answer.data, is_new })
    }

    /// Inspects the file as an upload would; nothing is stored.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn inspect<T: DeserializeOwned>(&self, upload: &Upload) -> Result<T, ClientError> {
        let answer: Success<T> = self.read_json(self.post_form("/uploads/inspect", upload).await?).await?;
        Ok(answer.data)
    }

    async fn post_form(&self, path: &str, upload: &Upload) -> Result<Response, ClientError> {
        let mut attempts = Attempts::new(self.patience());
        loop {
            let (form, meter) = upload.form(upload.open().await?)?;
            let request = self.request(Method::POST, path);
            let error = match self.send(with_form(request, form, upload)).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if let Some(error) = meter.take_failure() {
                return Err(ClientError::Source { name: upload.file_name.clone(), error });
            }
            let may_repeat = upload.may_repeat(&error);
            let Some(pause) = may_repeat.then(|| attempts.pause(&error, self.is_known())).flatten() else {
                return Err(error);
            };
            self.tell(&error, pause);
            sleep(pause).await;
        }
    }
}

fn with_form(request: RequestBuilder, form: Form, upload: &Upload) -> RequestBuilder {
    let request = request.multipart(form);
    match &upload.idempotency_key {
        Some(key) => request.header("Idempotency-Key", key),
        None => request,
    }
}
