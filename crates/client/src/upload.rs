//! `POST /bulk-actions`: a file with its choices becomes an action, once.

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

/// How far an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of the file that were handed to the connection.
    pub bytes: u64,
    /// Every byte was: the service now decides.
    pub is_whole: bool,
}

/// A file and what is to be done with it.
#[derive(Clone)]
pub struct Upload {
    source: Source,
    file_name: String,
    media_type: String,
    fields: Vec<(String, String)>,
    idempotency_key: Option<String>,
    on_sent: Option<OnSent>,
}

/// What an upload became.
#[derive(Debug, Clone)]
pub struct Created {
    /// The action.
    pub action: CreatedView,
    /// It was created by this upload, and not by an earlier one with the same key.
    pub is_new: bool,
}

impl Upload {
    /// An upload of `source` under the name `file_name`, with a key of its own.
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

    /// What the rows are, and what is done with them.
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

    /// Another media type than `text/csv`.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// Another key than a random one; `None` for none, and then a broken connection is not tried again.
    #[must_use]
    pub fn idempotency_key(mut self, key: Option<String>) -> Self {
        self.idempotency_key = key;
        self
    }

    /// Calls `on_sent` as bytes are handed to the connection; from 0 again where the upload is tried again.
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

    /// The fields come first, so that the service can judge the file as it comes.
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
    /// Uploads a file and makes it an action.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn upload(&self, upload: &Upload) -> Result<Created, ClientError> {
        let response = self.post_form("/bulk-actions", upload).await?;
        let is_new = response.status() == StatusCode::CREATED;
        let answer: Success<CreatedView> = self.read_json(response).await?;
        Ok(Created { action: answer.data, is_new })
    }

    /// Asks what an upload of the file would meet; nothing is stored.
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
