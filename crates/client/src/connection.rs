//! The client: address and credentials of the service, and sending with retries.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api_types::Success;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use crate::error::foreign;
use crate::patience::Attempts;
use crate::{ClientError, Credentials, Patience, Refusal, Waiting};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of responses with a few rows and objects; the API itself limits such requests to less.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

type Notice = Arc<dyn Fn(&Waiting<'_>) + Send + Sync>;

/// Client of one service for one caller. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    credentials: Credentials,
    patience: Patience,
    notice: Option<Notice>,
    /// True after the first response of the service.
    is_known: Arc<AtomicBool>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).field("credentials", &self.credentials).finish()
    }
}

impl Client {
    /// A client of the service at `url`, such as `https://bulk.example.com`.
    ///
    /// # Errors
    /// If the address or the credentials are invalid.
    pub fn new(url: &str, credentials: Credentials) -> Result<Self, ClientError> {
        credentials.check()?;
        let parsed = Url::parse(url).ok().filter(|parsed| {
            matches!(parsed.scheme(), "http" | "https")
                && parsed.host_str().is_some()
                && parsed.query().is_none()
        });
        let Some(parsed) = parsed else {
            return Err(ClientError::Setup(format!(
                "{url:?} is no address of a service: it looks like https://bulk.example.com or http://127.0.0.1:3000"
            )));
        };
        // No redirects: an upload would have to be sent twice, and the header `account-id` would be sent to the target.
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("bulk/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&parsed) {
            // A proxy in the environment is not meant for addresses of this machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| ClientError::Setup(format!("no HTTP client: {error}")))?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            credentials,
            patience: Patience::default(),
            notice: None,
            is_known: Arc::default(),
        })
    }

    /// Replaces the retry times.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Calls `notice` before each pause that precedes a retry.
    #[must_use]
    pub fn with_notice(mut self, notice: impl Fn(&Waiting<'_>) + Send + Sync + 'static) -> Self {
        self.notice = Some(Arc::new(notice));
        self
    }

    /// The service's address, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A request with credentials, for routes without their own function; `path` starts with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.credentials.sign(self.http.request(method, format!("{}{path}", self.url)))
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    pub(crate) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// Reports a retry.
    pub(crate) fn tell(&self, error: &ClientError, pause: Duration) {
        if let Some(notice) = &self.notice {
            notice(&Waiting { error, pause });
        }
    }

    /// Sends a request once. An unsuccessful response becomes an error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| ClientError::of_request(&self.url, &error))?;
        self.is_known.store(true, Ordering::Relaxed);
        if response.status().is_success() {
            Ok(response)
        } else if response.status().is_redirection() {
            let target = response.headers().get(reqwest::header::LOCATION);
            let target = target.and_then(|target| target.to_str().ok()).unwrap_or("elsewhere");
            let what = format!("it redirects to {target}: use the address that it leads to");
            Err(ClientError::Foreign { url: self.url.clone(), status: response.status().as_u16(), what })
        } else {
            Err(Refusal::of_response(&self.url, response).await)
        }
    }

    /// Sends requests built by `make` until one succeeds or the retry time has passed. If repeating the operation could
    /// perform it twice (`is_repeatable` is false), only requests that the service has certainly not acted on are
    /// retried.
    pub(crate) async fn send_patiently(
        &self,
        is_repeatable: bool,
        make: impl Fn() -> RequestBuilder,
    ) -> Result<Response, ClientError> {
        let mut attempts = Attempts::new(self.patience);
        loop {
            let error = match self.send(make()).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let may_repeat = error.is_transient() && (is_repeatable || error.is_before_action());
            let Some(pause) = may_repeat.then(|| attempts.pause(&error, self.is_known())).flatten() else {
                return Err(error);
            };
            self.tell(&error, pause);
            sleep(pause).await;
        }
    }

    /// Sends a GET request and parses the JSON response.
    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let make = || self.request(Method::GET, path).query(query).timeout(ANSWER_TIMEOUT);
        self.read_json(self.send_patiently(true, make).await?).await
    }

    /// Sends a GET request and returns the `data` of the JSON response.
    pub(crate) async fn get_data<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        Ok(self.get_json::<Success<T>>(path, &[]).await?.data)
    }

    /// Sends a request that changes something and returns the `data` of the response.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> Result<T, ClientError> {
        let make = || self.request(method.clone(), path).timeout(ANSWER_TIMEOUT);
        let answer: Success<T> = self.read_json(self.send_patiently(false, make).await?).await?;
        Ok(answer.data)
    }

    /// Parses a response as `T`.
    pub(crate) async fn read_json<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let status = response.status();
        let text = response.bytes().await.map_err(|error| ClientError::of_request(&self.url, &error))?;
        serde_json::from_slice(&text).map_err(|_| foreign(&self.url, status, &text))
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for good in ["http://127.0.0.1:3000", "https://bulk.example.com/", "http://[::1]:3000/under/here"] {
            let client = Client::new(good, Credentials::Nobody).unwrap();
            assert_eq!(client.url(), good.trim_end_matches('/'));
        }
        for bad in ["", "127.0.0.1:3000", "ftp://x", "http://", "http://x/?a=b"] {
            let error = Client::new(bad, Credentials::Nobody).unwrap_err();
            assert!(error.to_string().contains("no address"), "{bad}: {error}");
        }
    }

    #[test]
    fn this_machine_is_called_without_a_proxy() {
        for (url, expected) in
            [("http://localhost:1", true), ("http://[::1]:1", true), ("http://10.0.0.1", false)]
        {
            assert_eq!(is_this_machine(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
