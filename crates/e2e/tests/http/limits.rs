//! Rate limits of accounts and addresses.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Response;
use testkit::{Client, Fault, FaultProxy, TestEnv, Upload};
use tokio::time::sleep;

use crate::support::{DEADLINE, api, failure, http};

/// So long that buckets do not refill during a test.
const HOURS: (&str, &str) = ("RATE_LIMIT_WINDOW_MS", "36000000");

async fn statuses(answers: impl IntoIterator<Item = impl Future<Output = Response>>) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in join_all(answers).await {
        *counts.entry(answer.status().as_u16()).or_default() += 1;
    }
    counts
}

fn number(answer: &Response, header: &str) -> u64 {
    answer.headers()[header].to_str().unwrap().parse().unwrap()
}

async fn upload(client: &Client, n: usize) -> Response {
    client.create(format!("email,name\nu{n}@example.com,U\n"), &Upload::contacts("bulk_create")).await
}

#[tokio::test]
async fn an_accounts_limit_holds_over_all_processes_exactly() {
    let env = TestEnv::new().await;
    let settings = [HOURS, ("RATE_LIMIT_MAX_REQUESTS", "40")];
    let (one, two) = (api(&env, &settings).await, api(&env, &settings).await);
    let clients = [one.client("acme"), two.client("acme")];
    let counts = statuses((0..60).map(|n| clients[n % 2].get("/bulk-actions"))).await;
    assert_eq!(counts, BTreeMap::from([(200, 40), (429, 20)]));

    let refused = clients[0].get("/bulk-actions").await;
    assert_eq!((number(&refused, "ratelimit-limit"), number(&refused, "ratelimit-remaining")), (40, 0));
    assert!((1..=900).contains(&number(&refused, "retry-after")), "one flows in every 900 s");
    assert!((35_000..=36_000).contains(&number(&refused, "ratelimit-reset")));
    assert_eq!(refused.headers()["ratelimit-policy"], "\"requests\";q=40;w=36000");
    let (status, body) = failure(refused).await;
    assert_eq!((status, body["error"]["code"].as_str()), (429, Some("rate_limited")));

    let other = two.client("other").get("/bulk-actions").await;
    assert_eq!((other.status().as_u16(), number(&other, "ratelimit-remaining")), (200, 39));
    assert_eq!(clients[0].get("/health").await.status(), 200, "health is not limited");
    assert_eq!(clients[0].get("/metrics").await.status(), 200);
}

#[tokio::test]
async fn uploads_have_a_limit_of_their_own() {
    let env = TestEnv::new().await;
    let api = api(&env, &[HOURS, ("BULK_ACTION_RATE_LIMIT", "3")]).await;
    let client = api.client("acme");
    let counts = statuses((0..8).map(|n| upload(&client, n))).await;
    assert_eq!(counts, BTreeMap::from([(201, 3), (429, 5)]));
    let refused = upload(&client, 9).await;
    assert_eq!((number(&refused, "ratelimit-limit"), number(&refused, "ratelimit-remaining")), (3, 0));
    let read = client.get("/bulk-actions").await;
    assert_eq!((read.status().as_u16(), number(&read, "ratelimit-limit")), (200, 10_000));
    let used = 10_000 - number(&read, "ratelimit-remaining");
    assert_eq!(used, 4, "a refused upload costs nothing");
}

#[tokio::test]
async fn a_limit_is_refilled_steadily() {
    let env = TestEnv::new().await;
    let api = api(&env, &[("RATE_LIMIT_WINDOW_MS", "4000"), ("RATE_LIMIT_MAX_REQUESTS", "4")]).await;
    let client = api.client("acme");
    let end = Instant::now() + DEADLINE;
    while client.get("/bulk-actions").await.status() != 429 {
        assert!(Instant::now() < end, "never refused");
    }
    while client.get("/bulk-actions").await.status() != 200 {
        assert!(Instant::now() < end, "never allowed again");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_address_is_limited_before_it_says_who_it_is() {
    let env = TestEnv::new().await;
    let settings = [HOURS, ("ADDRESS_RATE_LIMIT", "5"), ("TRUST_PROXY", "true")];
    let api = api(&env, &settings).await;
    let from = |address: &'static str| {
        let request = http().get(format!("{}/bulk-actions", api.url()));
        async move { request.header("x-forwarded-for", address).send().await.unwrap() }
    };
    let counts = statuses((0..9).map(|_| from("192.0.2.1"))).await;
    assert_eq!(counts, BTreeMap::from([(401, 5), (429, 4)]));
    let refused = from("6.6.6.6, 192.0.2.1").await;
    assert!(number(&refused, "retry-after") > 0);
    assert_eq!((number(&refused, "ratelimit-limit"), number(&refused, "ratelimit-remaining")), (5, 0));
    let (status, body) = failure(refused).await;
    assert_eq!((status, body["error"]["code"].as_str()), (429, Some("rate_limited")));
    assert_eq!(from("192.0.2.2").await.status(), 401, "another address");
    let health = http().get(format!("{}/health/ready", api.url())).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(health.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn without_redis_each_process_limits_by_itself_and_serves() {
    let env = TestEnv::new().await;
    let redis = env.settings()["REDIS_URL"].clone();
    let place = redis.strip_prefix("redis://127.0.0.1:").unwrap_or_else(|| {
        panic!("this test puts a proxy before a Redis on this machine without password, not before {redis}")
    });
    let (port, database) = place.split_once('/').unwrap_or((place, ""));
    let proxy = FaultProxy::start(port.parse().unwrap()).await;
    let url = format!("redis://127.0.0.1:{}/{database}", proxy.port());
    let api = api(&env, &[HOURS, ("RATE_LIMIT_MAX_REQUESTS", "10"), ("REDIS_URL", &url)]).await;

    let client = api.client("acme");
    assert_eq!(number(&client.get("/bulk-actions").await, "ratelimit-remaining"), 9);
    proxy.set(Fault::Away);
    let counts = statuses((0..15).map(|_| client.get("/bulk-actions"))).await;
    assert_eq!(counts, BTreeMap::from([(200, 10), (429, 5)]), "a bucket of its own, and never a 500");
    let uploaded = upload(&api.client("other"), 1).await;
    assert_eq!(uploaded.status(), 201, "a bell that nobody hears is rung again");

    proxy.set(Fault::None);
    let end = Instant::now() + DEADLINE;
    while number(&client.get("/bulk-actions").await, "ratelimit-remaining") != 8 {
        assert!(Instant::now() < end, "the shared bucket is not back");
        sleep(Duration::from_millis(50)).await;
    }
    proxy.set(Fault::Silent);
    let counts = statuses((0..15).map(|_| client.get("/bulk-actions"))).await;
    assert_eq!(counts, BTreeMap::from([(429, 15)]), "the bucket of before, which knows its account again");
    let third = api.client("third");
    let counts = statuses((0..15).map(|_| third.get("/bulk-actions"))).await;
    assert_eq!(counts, BTreeMap::from([(200, 10), (429, 5)]));
}
