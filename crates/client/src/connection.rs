//! The client itself: where the service is, who is calling, and how a request is sent and tried again.

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
/// For answers that are a few rows and objects; the API itself ends such requests earlier.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

type Notice = Arc<dyn Fn(&Waiting<'_>) + Send + Sync>;

/// Calls one service as one caller. Copies share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    credentials: Credentials,
    patience: Patience,
    notice: Option<Notice>,
    /// The service has answered at least once.
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
    /// When the address or the credentials cannot be used.
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
        // A redirected upload would have to be sent twice, and `account-id` would follow to wherever it leads.
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("bulk/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&parsed) {
            // A proxy in the environment is not meant for this machine.
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

    /// The same client with another patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The same client, which calls `notice` before each pause after which it tries again.
    #[must_use]
    pub fn with_notice(mut self, notice: impl Fn(&Waiting<'_>) + Send + Sync + 'static) -> Self {
        self.notice = Some(Arc::new(notice));
        self
    }

    /// The service's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A signed request, for what this client has no function for; `path` begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.credentials.sign(self.http.request(method, format!("{}{path}", self.url)))
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    pub(crate) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// Says that something is tried again.
    pub(crate) fn tell(&self, error: &ClientError, pause: Duration) {
        if let Some(notice) = &self.notice {
            notice(&Waiting { error, pause });
        }
    }

    /// Sends a request once. An answer that is no success is an error.
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

    /// Sends what `make` makes until it is answered or the patience is over. Where the service would act twice on a second
    /// request (`is_repeatable` is false), only what it has certainly not acted on is sent again.
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

    /// Gets a JSON answer.
    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let make = || self.request(Method::GET, path).query(query).timeout(ANSWER_TIMEOUT);
        self.read_json(self.send_patiently(true, make).await?).await
    }

    /// Gets the `data` of a JSON answer.
    pub(crate) async fn get_data<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        Ok(self.get_json::<Success<T>>(path, &[]).await?.data)
    }

    /// Asks for a change, and reads the `data` of the answer.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> Result<T, ClientError> {
        let make = || self.request(method.clone(), path).timeout(ANSWER_TIMEOUT);
        let answer: Success<T> = self.read_json(self.send_patiently(false, make).await?).await?;
        Ok(answer.data)
    }

    /// Reads an answer of the form `T`.
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
