//! `GET /bulk-actions/{id}/results`: the rows with their outcomes as a stream.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ETAG, IF_RANGE, RANGE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::patience::Attempts;
use crate::{Client, ClientError};

/// Silence after which a stream counts as broken.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Rows and format of a download.
#[derive(Debug, Clone, Default)]
pub struct ResultsQuery {
    /// `success`, `failed`, `skipped`, or `unprocessed`: rows that a cancelled or failed action never reached.
    pub status: Option<String>,
    /// Escape values that a spreadsheet would run as a formula.
    pub spreadsheet_safe: bool,
}

/// A download that continues after a broken connection if the service allows it.
pub struct Download {
    client: Client,
    path: String,
    query: ResultsQuery,
    response: Response,
    etag: Option<String>,
    received_bytes: u64,
    is_complete: Option<bool>,
}

impl Client {
    /// Starts the download of an action's rows.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn results(&self, id: Uuid, query: ResultsQuery) -> Result<Download, ClientError> {
        let path = format!("/bulk-actions/{id}/results");
        let response = self.send_patiently(true, || results_request(self, &path, &query)).await?;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (etag, is_complete) = (header(ETAG.as_str()), header("x-results-complete"));
        let is_complete = is_complete.and_then(|text| text.parse().ok());
        Ok(Download {
            client: self.clone(),
            path,
            query,
            response,
            // A weak ETag does not identify bytes.
            etag: etag.filter(|etag| !etag.starts_with("W/")),
            received_bytes: 0,
            is_complete,
        })
    }
}

fn results_request(client: &Client, path: &str, query: &ResultsQuery) -> RequestBuilder {
    let mut parameters = Vec::new();
    parameters.extend(query.status.clone().map(|status| ("status", status)));
    parameters.extend(query.spreadsheet_safe.then(|| ("spreadsheetSafe", "true".to_owned())));
    client.request(Method::GET, path).query(&parameters)
}

impl Download {
    /// True if the download has every row with its final outcome; `None` if the service does not say.
    #[must_use]
    pub fn is_complete(&self) -> Option<bool> {
        self.is_complete
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// If the connection breaks and the download cannot be continued.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        let url = self.client.url().to_owned();
        let error = match timeout(LONGEST_SILENCE, self.response.chunk()).await {
            Ok(Ok(piece)) => {
                self.received_bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
                return Ok(piece);
            }
            Ok(Err(error)) => ClientError::of_request(&url, &error),
            Err(_) => ClientError::BrokenOff { url, reason: "nothing came for a minute".to_owned() },
        };
        self.go_on(error).await?;
        // Once more, on the new connection.
        let piece = self.response.chunk().await;
        let piece = piece.map_err(|error| ClientError::of_request(self.client.url(), &error))?;
        self.received_bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }

    /// Requests the rest.
    async fn go_on(&mut self, mut error: ClientError) -> Result<(), ClientError> {
        let Some(etag) = self.etag.clone() else { return Err(error) };
        let mut attempts = Attempts::new(self.client.patience());
        while error.is_transient()
            && let Some(pause) = attempts.pause(&error, true)
        {
            self.client.tell(&error, pause);
            sleep(pause).await;
            let rest = results_request(&self.client, &self.path, &self.query)
                .header(RANGE, format!("bytes={}-", self.received_bytes))
                .header(IF_RANGE, &etag);
            match self.client.send(rest).await {
                // Another status means the whole file or another file, which cannot be appended.
                Ok(response) if response.status() == StatusCode::PARTIAL_CONTENT => {
                    self.response = response;
                    return Ok(());
                }
                Ok(_) => return Err(error),
                Err(again) => error = again,
            }
        }
        Err(error)
    }
}
