//! A minimal HTTP client for container health checks: the images contain only the service itself and no curl.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than a service needs to probe its dependencies, shorter than orchestrators wait.
const PATIENCE: Duration = Duration::from_secs(4);
/// Responses have a few hundred bytes. The limit protects against another program on the port.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;

/// Reason why a service is not healthy.
#[derive(Debug, Error)]
pub enum NotWell {
    /// No service answered on the port.
    #[error("no answer on port {}: {error}", .address.port())]
    NoAnswer {
        /// The address.
        address: SocketAddr,
        /// The I/O error.
        error: io::Error,
    },
    /// The service answered with a status other than 200.
    #[error("{0}")]
    Answer(String),
}

/// Sends `GET /health/ready` to this machine and returns the body.
///
/// # Errors
/// [`NotWell`] if no response arrives within a few seconds, or its status is not 200.
pub async fn ask_ready(address: SocketAddr) -> Result<String, NotWell> {
    let answer = match timeout(PATIENCE, exchange(address)).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let answer = answer.map_err(|error| NotWell::NoAnswer { address, error })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status_line = head.lines().next().unwrap_or_default();
    let status = status_line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    if status == Some("200") {
        return Ok(body.to_owned());
    }
    Err(NotWell::Answer(format!("{status_line} {body}")))
}

/// HTTP/1.0, so that the response is not chunked and ends with the connection.
async fn exchange(address: SocketAddr) -> io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(b"GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut answer = Vec::new();
    connection.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    /// Serves one request with the text, and returns the address.
    async fn answering(text: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 64];
            let read = connection.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"GET /health/ready HTTP/1.0\r\n"));
            connection.write_all(text.as_bytes()).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn a_200_is_well() {
        let address = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        assert_eq!(ask_ready(address).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn another_status_is_not_well_and_says_why() {
        let address =
            answering("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"reasons\":[\"redis is down\"]}").await;
        let error = ask_ready(address).await.unwrap_err().to_string();
        assert!(error.contains("503") && error.contains("redis is down"), "{error}");
    }

    #[tokio::test]
    async fn a_response_that_is_no_http_is_not_well() {
        let address = answering("200").await;
        assert!(matches!(ask_ready(address).await, Err(NotWell::Answer(_))));
    }

    #[tokio::test]
    async fn a_port_without_a_listener_is_unhealthy() {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        assert!(matches!(ask_ready(address).await, Err(NotWell::NoAnswer { .. })));
    }
}
