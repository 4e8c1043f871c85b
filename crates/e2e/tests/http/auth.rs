//! Authentication with `AUTH_MODE=jwt`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local::token::{TokenOptions, token};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use testkit::{Platform, TestEnv};

use crate::support::{api, failure, http, refusal};

const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";

async fn start(env: &TestEnv) -> Platform {
    api(env, &[("AUTH_MODE", "jwt"), ("JWT_SECRET", SECRET), ("NODE_ENV", "production")]).await
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn hs256(claims: &Value) -> String {
    signed(Algorithm::HS256, SECRET, claims)
}

async fn list(platform: &Platform, bearer: &str) -> Response {
    let request = http().get(format!("{}/bulk-actions", platform.url()));
    request.header("authorization", bearer).send().await.unwrap()
}

async fn upload(client: &Client, platform: &Platform, token: &str) -> Response {
    let file = Part::text("email,name\na@example.com,A\n").file_name("a.csv").mime_str("text/csv").unwrap();
    let form = Form::new().text("entityType", "contact").text("actionType", "bulk_create").part("file", file);
    let request = client.post(format!("{}/bulk-actions", platform.url())).multipart(form);
    request.bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn a_token_that_proves_nothing_is_refused_without_a_reason() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let good = json!({"sub": "acme", "exp": now() + 600});
    let parts: Vec<_> = hs256(&good).split('.').map(str::to_owned).collect();
    let header = |text: &str| BASE64.encode(text);
    let other_claims = BASE64.encode(json!({"sub": "other", "exp": now() + 600}).to_string());
    let tokens = [
        ("unsigned", format!("{}.{}.", header(r#"{"alg":"none"}"#), parts[1])),
        ("unsigned in capitals", format!("{}.{}.", header(r#"{"alg":"NONE"}"#), parts[1])),
        ("RS256 over the secret", format!("{}.{}.{}", header(r#"{"alg":"RS256"}"#), parts[1], parts[2])),
        ("HS512", signed(Algorithm::HS512, SECRET, &good)),
        ("foreign", signed(Algorithm::HS256, "another-secret-of-thirty-two-bytes", &good)),
        ("forged claims", format!("{}.{other_claims}.{}", parts[0], parts[2])),
        ("without signature", format!("{}.{}", parts[0], parts[1])),
        ("expired", hs256(&json!({"sub": "acme", "exp": now() - 30}))),
        ("not yet valid", hs256(&json!({"sub": "acme", "exp": now() + 600, "nbf": now() + 300}))),
        ("without exp", hs256(&json!({"sub": "acme"}))),
        ("exp is no number", hs256(&json!({"sub": "acme", "exp": "never"}))),
        ("without sub", hs256(&json!({"exp": now() + 600}))),
        ("sub is no account", hs256(&json!({"sub": "../acme", "exp": now() + 600}))),
        ("sub is no text", hs256(&json!({"sub": 7, "exp": now() + 600}))),
        ("scope is no text", hs256(&json!({"sub": "acme", "exp": now() + 600, "scope": ["bulk:read"]}))),
        ("empty", String::new()),
        ("no token", "x".repeat(3000)),
    ];
    for (what, token) in tokens {
        let answer = list(&platform, &format!("Bearer {token}")).await;
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{what}");
        let (status, body) = failure(answer).await;
        assert_eq!((status, body["error"]["code"].as_str()), (401, Some("unauthorized")), "{what}");
        assert_eq!(upload(&http(), &platform, &token).await.status(), 401, "{what}");
    }
    let scheme = list(&platform, &format!("Basic {}", hs256(&good))).await;
    assert_eq!(scheme.status(), 401);
    let header_mode = http().get(format!("{}/bulk-actions", platform.url())).header("account-id", "acme");
    assert_eq!(header_mode.send().await.unwrap().status(), 401, "the header of the other mode");
}

#[tokio::test]
async fn a_good_token_is_taken_with_what_else_it_says() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    for claims in [
        json!({"sub": "acme", "exp": now() + 600}),
        json!({"sub": "acme", "exp": now() - 2}),
        json!({"sub": "acme", "exp": now() + 600, "aud": ["somebody"], "iss": "gateway", "nbf": now() - 1, "iat": 1}),
    ] {
        assert_eq!(list(&platform, &format!("Bearer {}", hs256(&claims))).await.status(), 200, "{claims}");
        assert_eq!(list(&platform, &format!("bearer  {}", hs256(&claims))).await.status(), 200, "{claims}");
    }
}

#[tokio::test]
async fn scopes_are_enforced_and_foreign_actions_are_not_there() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let client = http();
    let make = |account: &str, scope: Option<&str>| {
        let expires_in = Duration::from_secs(60);
        let options = TokenOptions { account: account.into(), scope: scope.map(str::to_owned), expires_in };
        token(&options, SECRET).unwrap()
    };
    let read = make("acme", Some("bulk:read"));
    let (status, code, told) = refusal(upload(&client, &platform, &read).await).await;
    assert_eq!((status, code.as_str()), (403, "forbidden"));
    assert!(told.contains("bulk:write"), "{told}");
    let write = make("acme", Some("bulk:write"));
    let created = upload(&client, &platform, &write).await;
    assert_eq!(created.status(), 201);
    let created: Value = created.json().await.unwrap();
    let action = format!("{}/bulk-actions/{}", platform.url(), created["data"]["id"].as_str().unwrap());
    for path in ["", "/stats", "/codes", "/logs", "/results"] {
        let get = |token: &str| client.get(format!("{action}{path}")).bearer_auth(token.to_owned()).send();
        let (status, code, told) = refusal(get(&write).await.unwrap()).await;
        assert_eq!((status, code.as_str()), (403, "forbidden"), "{path}");
        assert!(told.contains("bulk:read"), "{told}");
        assert_eq!(get(&read).await.unwrap().status(), 200, "{path}");
        assert_eq!(get(&make("acme", None)).await.unwrap().status(), 200, "{path}");
        assert_eq!(get(&make("other", None)).await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(list(&platform, &format!("Bearer {}", make("acme", Some("")))).await.status(), 403);
    for (token, has_link) in [(&write, false), (&make("acme", None), true)] {
        for verb in ["pause", "resume"] {
            let moved = client.post(format!("{action}/{verb}")).bearer_auth(token).send().await.unwrap();
            let moved: Value = moved.json().await.unwrap();
            assert_eq!(moved["success"], true, "{moved}");
            assert_eq!(moved["data"]["file"].get("downloadUrl").is_some(), has_link, "{verb}: {moved}");
        }
    }
}

#[tokio::test]
async fn streams_and_links_end_with_their_token() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let claims = |seconds: u64| hs256(&json!({"sub": "acme", "exp": now() + seconds}));
    let created: Value = upload(&http(), &platform, &claims(600)).await.json().await.unwrap();
    let action = format!("{}/bulk-actions/{}", platform.url(), created["data"]["id"].as_str().unwrap());
    let shown: Value =
        http().get(&action).bearer_auth(claims(60)).send().await.unwrap().json().await.unwrap();
    let link: reqwest::Url = shown["data"]["file"]["downloadUrl"].as_str().unwrap().parse().unwrap();
    let expires = link.query_pairs().find(|(name, _)| name == "X-Amz-Expires").unwrap().1.into_owned();
    assert!((1..=60).contains(&expires.parse::<u64>().unwrap()), "{expires}");
    // No worker runs, so nothing else ends the stream.
    let stream = http().get(format!("{action}/events")).bearer_auth(claims(1)).send().await.unwrap();
    let events = tokio::time::timeout(crate::support::DEADLINE, stream.text()).await.unwrap().unwrap();
    assert!(events.contains("event: progress") && !events.contains("event: done"), "{events}");
}
