//! Tests of the routes, and of start and end of serving.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use bulk_core::health::Dependency;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::ServiceExt;

use super::*;

/// A database that is up or down.
struct Database {
    up: bool,
}

#[async_trait]
impl Probe for Database {
    fn dependency(&self) -> Dependency {
        Dependency::Database
    }

    async fn probe(&self) -> Result<(), String> {
        if self.up { Ok(()) } else { Err("connection refused".to_owned()) }
    }
}

fn routes(up: bool, draining: &Shutdown) -> Router {
    let probes: Vec<Arc<dyn Probe>> = vec![Arc::new(Database { up })];
    health_routes(WorkerHealth { breaker: Breaker::new(probes.clone()), probes, draining: draining.clone() })
}

async fn get_json(routes: Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = routes.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_worker_without_obstacles_is_ready() {
    let (status, body) = get_json(routes(true, &Shutdown::new()), "/health/ready").await;
    assert_eq!((status, body), (StatusCode::OK, json!({"status": "ready"})));
}

#[tokio::test]
async fn a_worker_is_not_ready_while_a_dependency_is_down() {
    let (status, body) = get_json(routes(false, &Shutdown::new()), "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, json!({"status": "not_ready", "reasons": ["database is down"]}));
}

#[tokio::test]
async fn a_draining_worker_is_not_ready_but_alive() {
    let draining = Shutdown::new();
    draining.trigger();
    let (status, body) = get_json(routes(true, &draining), "/health/ready").await;
    assert_eq!(
        (status, &body["reasons"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!(["the worker is draining"]))
    );
    let (status, body) = get_json(routes(false, &draining), "/health/live").await;
    assert_eq!((status, body), (StatusCode::OK, json!({"status": "alive"})));
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    metrics::install().unwrap();
    let response = metrics_response();
    assert_eq!(response.headers()[header::CONTENT_TYPE], METRICS_CONTENT_TYPE);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.is_empty() || text.starts_with("# "), "{text}");
}

#[tokio::test]
async fn serving_goes_on_while_draining_and_ends_when_stopped() {
    let (draining, stopped) = (Shutdown::new(), Shutdown::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve_on(listener, routes(true, &draining), stopped.clone()));

    draining.trigger();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut status_line = [0; 12];
    connection.read_exact(&mut status_line).await.unwrap();
    assert_eq!(&status_line, b"HTTP/1.1 503");

    // The connection stays open like a keep-alive connection; it must not delay the end.
    stopped.trigger();
    timeout(Duration::from_secs(5), server).await.expect("serving must end").unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let result = serve(taken.local_addr().unwrap(), routes(true, &Shutdown::new()), Shutdown::new()).await;
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}
