//! Common parts of all responses, and responses to requests without a route.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use testkit::{TestEnv, Upload};

use crate::support::{DEADLINE, Wire, api, failure, http, platform};

#[tokio::test]
async fn every_answer_tells_browsers_to_take_no_liberties() {
    let env = TestEnv::new().await;
    let api = api(&env, &[("TRUST_PROXY", "true")]).await;
    for (path, status) in [("/", 200), ("/health", 200), ("/bulk-actions", 401), ("/nowhere", 404)] {
        let answer = http().get(format!("{}{path}", api.url())).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store");
        assert!(headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert!(!headers.contains_key("strict-transport-security"), "not over plain HTTP");
        assert!(!headers.contains_key("access-control-allow-origin"), "no origin is allowed by default");
    }
    let tls = http().get(api.url()).header("x-forwarded-proto", "https").send().await.unwrap();
    assert!(tls.headers().contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_trace_goes_in_and_out() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = http().get(api.url()).header("traceparent", trace).header("x-request-id", "order-17");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["x-trace-id"], "0af76519-16cd-43dd-8448-eb211c80319c");
    let onward = answer.headers()["traceparent"].to_str().unwrap();
    assert!(onward.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && onward != trace, "{onward}");
    assert_eq!(answer.headers()["x-request-id"], "order-17");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["traceId"], "0af76519-16cd-43dd-8448-eb211c80319c");

    let request = http().get(api.url()).header("traceparent", "00-zz-1-01").header("x-request-id", "a b");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["x-trace-id"].len(), 36, "a trace of its own");
    assert!(!answer.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn requests_that_no_route_takes_are_answered_in_the_envelope() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let client = http();
    let url = |path: &str| format!("{}{path}", api.url());
    let long = "x".repeat(9000);
    let cases = [
        (client.get(url("/nowhere")), 404, "not_found"),
        (client.get(url("/bulk-actions/%FF")), 404, "not_found"),
        (client.get(url("/entities/%FF/template.csv")), 404, "not_found"),
        (client.get(url("/bulk-actions/../../etc/passwd")), 404, "not_found"),
        (client.request(Method::DELETE, url("/bulk-actions")), 405, "method_not_allowed"),
        (client.post(url("/health")), 405, "method_not_allowed"),
        (client.get(url(&format!("/bulk-actions?cursor={long}"))), 414, "uri_too_long"),
        (client.get(url("/")).header("x-large", "x".repeat(40_000)), 431, "headers_too_large"),
        (client.get(url("/")).header("x-huge", "x".repeat(200_000)), 431, "headers_too_large"),
        (client.post(url("/bulk-actions")).json(&"no form"), 415, "unsupported_media_type"),
        (
            client.post(url("/bulk-actions")).header("content-type", "multipart/form-data"),
            400,
            "validation_failed",
        ),
        (client.post(url("/bulk-actions")), 415, "unsupported_media_type"),
        (client.get(url("/bulk-actions?page=0&limit=x")), 400, "validation_failed"),
        (client.get(url("/bulk-actions?page=%FF")), 400, "validation_failed"),
    ];
    for (request, status, code) in cases {
        let answer = request.header("account-id", "acme").send().await.unwrap();
        if status == 405 {
            assert!(answer.headers().contains_key("allow"), "{:?}", answer.headers());
        }
        let (found, body) = failure(answer).await;
        assert_eq!((found, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
    }
}

#[tokio::test]
async fn only_pages_of_allowed_origins_may_call() {
    let env = TestEnv::new().await;
    let api = api(&env, &[("ALLOWED_ORIGINS", "https://app.example.com, http://localhost:5173")]).await;
    let get = |origin: &str| {
        let request = http().get(format!("{}/bulk-actions", api.url()));
        request.header("origin", origin.to_owned()).header("account-id", "acme").send()
    };
    let answer = get("https://app.example.com").await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.com");
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("x-trace-id") && exposed.contains("ratelimit-policy"), "{exposed}");
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    for origin in
        ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null"]
    {
        let answer = get(origin).await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
    }

    let preflight = |origin: &str| {
        let request = http().request(Method::OPTIONS, format!("{}/bulk-actions", api.url()));
        let request = request.header("origin", origin.to_owned());
        let request = request.header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "authorization,idempotency-key").send()
    };
    let answer = preflight("http://localhost:5173").await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "without an account");
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://localhost:5173");
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("authorization") && allowed.contains("idempotency-key"), "{allowed}");
    let answer = preflight("https://evil.example.com").await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_can_read_it() {
    let env = TestEnv::new().await;
    let platform = platform(&env, &[]).await;
    let client = platform.client("acme");
    let rows: String = (0..500).map(|n| format!("user{n}@example.com,User\n")).collect();
    let id = client.upload(format!("email,name\n{rows}"), &Upload::contacts("bulk_create")).await;
    client.wait_finished(&id, DEADLINE).await;
    let plain = client.get(&format!("/bulk-actions/{id}/results")).await;
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.unwrap();
    let get = |path: &str| {
        let request = http().get(format!("{}{path}", platform.url()));
        request.header("account-id", "acme").header("accept-encoding", "gzip").send()
    };
    let packed = get(&format!("/bulk-actions/{id}/results")).await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() < plain.len() / 2);
    assert_eq!(unpack(&packed).await, plain);
    let short = get("/health/live").await.unwrap();
    assert!(!short.headers().contains_key("content-encoding"), "not worth it");
}

async fn unpack(packed: &[u8]) -> Vec<u8> {
    use tokio::io::AsyncReadExt;
    let mut plain = Vec::new();
    let mut decoder = async_compression::tokio::bufread::GzipDecoder::new(packed);
    decoder.read_to_end(&mut plain).await.unwrap();
    plain
}

#[tokio::test]
async fn a_connection_outlives_an_early_refusal() {
    let env = TestEnv::new().await;
    let api = api(&env, &[]).await;
    let mut wire = Wire::open(&api).await;
    let body = "x".repeat(1 << 20);
    for (headers, status) in [
        ("", "401"),
        ("account-id: acme\r\ncontent-type: text/csv\r\n", "415"),
        ("account-id: acme\r\ncontent-type: multipart/form-data; boundary=X\r\n", "400"),
    ] {
        let head = format!(
            "POST /bulk-actions HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        wire.send(&(head + &body)).await;
        let (head, _) = wire.receive().await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
    }
    wire.send("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(wire.receive().await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_not_waited_for() {
    let env = TestEnv::new().await;
    let api = api(&env, &[("MAX_FILE_SIZE_MB", "1")]).await;
    let mut wire = Wire::open(&api).await;
    wire.send(
        "POST /bulk-actions HTTP/1.1\r\nhost: x\r\naccount-id: acme\r\ncontent-length: 90000000\r\n\
         content-type: multipart/form-data; boundary=X\r\n\r\n",
    )
    .await;
    let (head, body) = wire.receive().await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    assert!(body.contains("file_too_large"), "{body}");
}
