//! Browser sessions, in proper use and under attack.

use std::time::Duration;

use local::token::{TokenOptions, token};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::{Platform, TestEnv};

use crate::support::{api, http, refusal};

const SECRET: &str = "kUq3vX9bT2mZ7rW5yN8cF1sJ6hD4gL0p";
const NAME: &str = "bulk-session";

async fn start(env: &TestEnv) -> Platform {
    api(env, &[("AUTH_MODE", "jwt"), ("JWT_SECRET", SECRET), ("TRUST_PROXY", "true")]).await
}

fn made(account: &str, scope: Option<&str>, seconds: u64) -> String {
    let expires_in = Duration::from_secs(seconds);
    let options = TokenOptions { account: account.into(), scope: scope.map(str::to_owned), expires_in };
    token(&options, SECRET).unwrap()
}

fn ask(platform: &Platform, method: Method, path: &str) -> RequestBuilder {
    http().request(method, format!("{}{path}", platform.url()))
}

async fn sign_in(platform: &Platform, body: &Value) -> Response {
    ask(platform, Method::POST, "/session").json(body).send().await.unwrap()
}

fn set_cookie(answer: &Response) -> String {
    answer.headers()["set-cookie"].to_str().unwrap().to_owned()
}

fn with_cookie(request: RequestBuilder, value: &str) -> RequestBuilder {
    request.header("cookie", format!("{NAME}={value}"))
}

#[tokio::test]
async fn a_token_becomes_a_session_that_does_what_the_token_does() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let token = made("acme", Some("bulk:read"), 600);
    let answer = sign_in(&platform, &json!({"token": token})).await;
    assert_eq!(answer.status(), 200);
    let cookie = set_cookie(&answer);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["data"]["account"], "acme");
    assert_eq!(body["data"]["scopes"], json!(["bulk:read"]));
    assert!(body["data"]["expiresAt"].is_string(), "{body}");
    assert!(
        cookie.starts_with(&format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=")),
        "{cookie}"
    );
    let age: u64 = cookie.rsplit('=').next().unwrap().parse().unwrap();
    assert!((590..=600).contains(&age), "the token's own end: {cookie}");

    let shown = with_cookie(ask(&platform, Method::GET, "/session"), &token).send().await.unwrap();
    assert_eq!(shown.json::<Value>().await.unwrap()["data"], body["data"]);
    for path in ["/bulk-actions", "/bulk-actions?limit=1"] {
        let listed = with_cookie(ask(&platform, Method::GET, path), &token).send().await.unwrap();
        assert_eq!(listed.status(), 200, "{path}");
        assert!(listed.headers().contains_key("ratelimit-limit"), "the account's limit counts");
    }
    let id = "01900000-0000-7000-8000-000000000000";
    let pause = with_cookie(ask(&platform, Method::POST, &format!("/bulk-actions/{id}/pause")), &token);
    let (status, _, told) =
        refusal(pause.header("sec-fetch-site", "same-origin").send().await.unwrap()).await;
    assert_eq!(status, 403, "a session has the token's scope");
    assert!(told.contains("bulk:write"), "{told}");

    let left = ask(&platform, Method::DELETE, "/session").send().await.unwrap();
    assert_eq!(left.status(), 204);
    assert_eq!(set_cookie(&left), format!("{NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
}

#[tokio::test]
async fn over_tls_the_cookie_is_the_hosts_alone() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let token = made("acme", None, 600);
    let request = ask(&platform, Method::POST, "/session").header("x-forwarded-proto", "https");
    let cookie = set_cookie(&request.json(&json!({"token": token})).send().await.unwrap());
    assert!(cookie.starts_with("__Host-bulk-session=") && cookie.contains("; Secure"), "{cookie}");
    // A cookie that another host of the domain, or plain HTTP, could have set is ignored.
    let tossed = with_cookie(ask(&platform, Method::GET, "/session"), &token);
    assert_eq!(tossed.header("x-forwarded-proto", "https").send().await.unwrap().status(), 401);
    let own =
        ask(&platform, Method::GET, "/session").header("cookie", format!("__Host-bulk-session={token}"));
    assert_eq!(own.header("x-forwarded-proto", "https").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_credential_that_proves_nothing_gives_no_session() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let foreign = TokenOptions { account: "acme".into(), scope: None, expires_in: Duration::from_secs(60) };
    let forged = token(&foreign, "another-secret-of-thirty-two-bytes").unwrap();
    let good = made("acme", None, 600);
    for (what, body, status) in [
        ("forged", json!({"token": forged}), 401),
        ("no token", json!({"token": "x"}), 401),
        ("account instead", json!({"account": "acme"}), 401),
        ("nothing", json!({}), 400),
        ("both", json!({"token": good, "account": "other"}), 400),
        ("no object", json!("token"), 400),
    ] {
        let answer = sign_in(&platform, &body).await;
        assert_eq!(answer.status(), status, "{what}");
        assert!(!answer.headers().contains_key("set-cookie"), "{what}");
    }
    let expired = made("acme", None, 0);
    tokio::time::sleep(Duration::from_secs(6)).await;
    for value in [expired.as_str(), forged.as_str(), "", "acme"] {
        let listed = with_cookie(ask(&platform, Method::GET, "/bulk-actions"), value).send().await.unwrap();
        assert_eq!(listed.status(), 401, "{value}");
    }
    let two = format!("{NAME}={good}; {NAME}={}", made("mallory", None, 600));
    let listed = ask(&platform, Method::GET, "/bulk-actions").header("cookie", two).send().await.unwrap();
    assert_eq!(listed.status(), 401, "two sessions: one of them is perhaps somebody else's");
    assert_eq!(ask(&platform, Method::GET, "/session").send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_header_wins_over_the_cookie() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let session = made("acme", None, 600);
    let get = |bearer: &str| {
        let request = with_cookie(ask(&platform, Method::GET, "/session"), &session);
        request.header("authorization", bearer.to_owned()).send()
    };
    let other = get(&format!("Bearer {}", made("other", None, 600))).await.unwrap();
    assert_eq!(other.json::<Value>().await.unwrap()["data"]["account"], "other");
    for bearer in ["Bearer x", "Basic eDp5", ""] {
        assert_eq!(get(bearer).await.unwrap().status(), 401, "{bearer:?}: no cookie stands in");
    }
}

#[tokio::test]
async fn no_other_page_acts_for_the_signed_in_account() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let session = made("acme", None, 600);
    let own = platform.url();
    let id = "01900000-0000-7000-8000-000000000000";
    let cancel = |headers: &[(&str, &str)]| {
        let mut request =
            with_cookie(ask(&platform, Method::POST, &format!("/bulk-actions/{id}/cancel")), &session);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send()
    };
    let refused: [&[(&str, &str)]; 7] = [
        &[],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", "https://sub.bulk.example")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
    ];
    for headers in refused {
        let (status, code, _) = refusal(cancel(headers).await.unwrap()).await;
        assert_eq!((status, code.as_str()), (403, "forbidden"), "{headers:?}");
    }
    for headers in [[("sec-fetch-site", "same-origin")], [("origin", own.as_str())]] {
        assert_eq!(cancel(&headers).await.unwrap().status(), 404, "passed: {headers:?}");
    }
}

/// Signing a victim in to the attacker's account, or out, would also be an attack.
#[tokio::test]
async fn no_other_page_signs_a_browser_in_or_out() {
    let env = TestEnv::new().await;
    let platform = start(&env).await;
    let attackers = json!({"token": made("mallory", None, 600)});
    for (site, origin) in [("cross-site", "https://evil.example"), ("same-site", "https://sub.bulk.example")]
    {
        for method in [Method::POST, Method::DELETE] {
            let request = ask(&platform, method.clone(), "/session").json(&attackers);
            let answer =
                request.header("sec-fetch-site", site).header("origin", origin).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{method} {site}");
            assert!(!answer.headers().contains_key("set-cookie"), "{method} {site}");
        }
    }
    // A form can be sent without a preflight request, but cannot send JSON.
    let text = attackers.to_string();
    for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"] {
        let request =
            ask(&platform, Method::POST, "/session").header("content-type", kind).body(text.clone());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 415, "{kind}");
        assert!(!answer.headers().contains_key("set-cookie"), "{kind}");
    }
}

#[tokio::test]
async fn where_the_header_is_believed_an_account_signs_in_by_its_name() {
    let env = TestEnv::new().await;
    let platform = api(&env, &[]).await;
    let answer = sign_in(&platform, &json!({"account": "acme"})).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(set_cookie(&answer), format!("{NAME}=acme; Path=/; HttpOnly; SameSite=Strict"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        body["data"],
        json!({"account": "acme", "scopes": ["bulk:read", "bulk:write"], "expiresAt": null})
    );
    assert_eq!(sign_in(&platform, &json!({"account": "../acme"})).await.status(), 401);
    assert_eq!(sign_in(&platform, &json!({"token": "x"})).await.status(), 401);
    let shown = with_cookie(ask(&platform, Method::GET, "/session"), "acme").header("account-id", "other");
    assert_eq!(shown.send().await.unwrap().json::<Value>().await.unwrap()["data"]["account"], "other");
    let described: Value = Client::new().get(platform.url()).send().await.unwrap().json().await.unwrap();
    assert_eq!(described["data"]["signIn"], "account");
}

#[tokio::test]
async fn behind_a_gateway_nobody_names_an_account() {
    let env = TestEnv::new().await;
    let settings = [("NODE_ENV", "production"), ("ALLOW_HEADER_AUTH_IN_PRODUCTION", "true")];
    let platform = api(&env, &settings).await;
    assert_eq!(sign_in(&platform, &json!({"account": "acme"})).await.status(), 403);
    for name in [NAME, "__Host-bulk-session"] {
        let request = ask(&platform, Method::GET, "/bulk-actions").header("cookie", format!("{name}=acme"));
        assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
    }
    let named = ask(&platform, Method::GET, "/session").header("account-id", "acme").send().await.unwrap();
    assert_eq!(named.status(), 200);
}
