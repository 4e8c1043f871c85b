//! A test client of the API.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use client::{Credentials, Patience};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::sleep;

const POLL: Duration = Duration::from_millis(50);

/// Longer than the API takes to reject a request when a dependency is down.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Fields of an upload beside the file.
#[derive(Debug, Clone)]
pub struct Upload {
    fields: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    file_name: String,
}

impl Upload {
    /// An upload with the two fields that every upload needs.
    #[must_use]
    pub fn new(entity_type: &str, action_type: &str) -> Self {
        let upload = Self { fields: Vec::new(), headers: Vec::new(), file_name: "upload.csv".to_owned() };
        upload.field("entityType", entity_type).field("actionType", action_type)
    }

    /// A bulk action on contacts.
    #[must_use]
    pub fn contacts(action_type: &str) -> Self {
        Self::new("contact", action_type)
    }

    /// Adds a form field, such as `deduplicate`.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a request header, such as `Idempotency-Key`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the file name; the default is `upload.csv`.
    #[must_use]
    pub fn file_name(mut self, file_name: &str) -> Self {
        file_name.clone_into(&mut self.file_name);
        self
    }
}

/// A client for one account, with the header `account-id`.
#[derive(Debug, Clone)]
pub struct Client {
    api: client::Client,
}

impl Client {
    /// A client of the API at the URL, which has no trailing slash.
    #[must_use]
    pub fn new(url: &str, account: &str) -> Self {
        // No retries: a test checks the response to its own request.
        let api = client::Client::new(url, Credentials::Account(account.to_owned())).unwrap();
        Self { api: api.with_patience(Patience::NONE) }
    }

    /// Sends a GET request, for example for `/bulk-actions?limit=5`.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path).await
    }

    /// Sends a POST request without a body.
    pub async fn post(&self, path: &str) -> Response {
        self.send(Method::POST, path).await
    }

    /// Sends a DELETE request.
    pub async fn delete(&self, path: &str) -> Response {
        self.send(Method::DELETE, path).await
    }

    /// Uploads a file and returns the response.
    pub async fn create(&self, csv: impl Into<Vec<u8>>, upload: &Upload) -> Response {
        self.upload_request(csv.into(), upload).send().await.expect("an answer of the API")
    }

    fn upload_request(&self, csv: Vec<u8>, upload: &Upload) -> RequestBuilder {
        let file = Part::bytes(csv).file_name(upload.file_name.clone()).mime_str("text/csv").unwrap();
        let form = upload
            .fields
            .iter()
            .fold(Form::new(), |form, (name, value)| form.text(name.clone(), value.clone()))
            .part("file", file);
        let request = self.api.request(Method::POST, "/bulk-actions").multipart(form);
        upload.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Uploads a file, which must be accepted, and returns the action's id.
    pub async fn upload(&self, csv: impl Into<Vec<u8>>, upload: &Upload) -> String {
        let answer = self.create(csv, upload).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{body}");
        body["data"]["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the action is `completed`, `failed` or `cancelled`, and returns its `data`.
    pub async fn wait_finished(&self, id: &str, deadline: Duration) -> Value {
        self.wait_for(id, deadline, |action| {
            ["completed", "failed", "cancelled"].iter().any(|status| action["status"] == *status)
        })
        .await
    }

    /// Waits until the action's `data` satisfies the condition, and returns it.
    pub async fn wait_for(&self, id: &str, deadline: Duration, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + deadline;
        loop {
            let action = self.data(&format!("/bulk-actions/{id}")).await;
            if is_wanted(&action) {
                return action;
            }
            assert!(Instant::now() < end, "not as wanted after {deadline:?}: {action:#}");
            sleep(POLL).await;
        }
    }

    /// The `data` of the action's statistics.
    pub async fn stats(&self, id: &str) -> Value {
        self.data(&format!("/bulk-actions/{id}/stats")).await
    }

    /// The whole response of the action's logs, for a query such as `status=failed&limit=5`.
    pub async fn logs(&self, id: &str, query: &str) -> Value {
        self.json(&format!("/bulk-actions/{id}/logs?{query}")).await
    }

    /// The rows of the action's results, for a query such as `status=failed`.
    pub async fn results(&self, id: &str, query: &str) -> Vec<BTreeMap<String, String>> {
        let answer = self.get(&format!("/bulk-actions/{id}/results?{query}")).await;
        let status = answer.status();
        let text = answer.bytes().await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&text));
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(&*text);
        let header = rows.headers().unwrap().clone();
        let named = |row: &csv::StringRecord| {
            header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
        };
        rows.records().map(|row| named(&row.unwrap())).collect()
    }

    /// The `data` of a path, which must exist.
    pub async fn data(&self, path: &str) -> Value {
        self.json(path).await["data"].take()
    }

    /// The `data` of a path if the response is 200; for tests that disturb the API.
    pub async fn try_data(&self, path: &str) -> Option<Value> {
        let request = self.api.request(Method::GET, path);
        let answer = request.timeout(TRY_TIMEOUT).send().await.ok()?.error_for_status().ok()?;
        Some(answer.json::<Value>().await.ok()?["data"].take())
    }

    /// Uploads a file and returns the action's id if the API accepts it and can respond; for tests that disturb the
    /// API.
    pub async fn try_upload(&self, csv: impl Into<Vec<u8>>, upload: &Upload) -> Option<String> {
        let request = self.upload_request(csv.into(), upload);
        let answer = request.timeout(TRY_TIMEOUT).send().await.ok()?.error_for_status().ok()?;
        Some(answer.json::<Value>().await.ok()?["data"]["id"].as_str()?.to_owned())
    }

    /// Deletes a path if the API lives long enough to respond; for tests that disturb the API.
    pub async fn try_delete(&self, path: &str) {
        let request = self.api.request(Method::DELETE, path);
        let _ = request.timeout(TRY_TIMEOUT).send().await;
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn send(&self, method: Method, path: &str) -> Response {
        self.api.request(method, path).send().await.expect("an answer of the API")
    }
}
