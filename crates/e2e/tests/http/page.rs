//! Delivery of the page. Its behaviour in a browser is tested in tests/page.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use testkit::{Platform, TestEnv};

use crate::support::{api, refusal};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn get(platform: &Platform, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let request = client.get(format!("{}{path}", platform.url()));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_page_is_served_with_what_it_loads_and_nothing_else() {
    let env = TestEnv::new().await;
    let platform = api(&env, &[]).await;
    let page = get(&platform, "/app/", &[]).await;
    assert_eq!(page.status(), 200);
    assert_eq!(header(&page, "content-type"), "text/html");
    assert_eq!(header(&page, "cache-control"), "no-cache");
    assert_eq!(header(&page, "x-frame-options"), "DENY");
    let policy = header(&page, "content-security-policy");
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let tag = header(&page, "etag");
    assert_eq!(get(&platform, "/app/", &[("if-none-match", &tag)]).await.status(), 304);

    let html = page.text().await.unwrap();
    let files: Vec<_> = html.split('"').filter(|part| part.starts_with("/app/assets/")).collect();
    assert!(files.len() >= 3, "{html}");
    for file in files {
        let answer = get(&platform, file, &[("accept-encoding", "gzip")]).await;
        assert_eq!(answer.status(), 200, "{file}");
        assert!(header(&answer, "cache-control").contains("immutable"), "{file}");
        assert!(!header(&answer, "etag").is_empty(), "{file}");
        let is_script = header(&answer, "content-type").contains("javascript");
        assert_eq!(is_script, file.ends_with(".js"), "{file}");
        assert!(!is_script || header(&answer, "content-encoding") == "gzip", "{file}");
    }
}

#[tokio::test]
async fn places_within_the_page_are_the_page_and_missing_files_are_missing() {
    let env = TestEnv::new().await;
    let platform = api(&env, &[]).await;
    for path in
        ["/app", "/app/", "/app/new", "/app/actions/01900000-0000-7000-8000-000000000000", "/app/entities/x"]
    {
        let answer = get(&platform, path, &[("accept", BROWSER)]).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-type").as_str()),
            (200, "text/html"),
            "{path}"
        );
    }
    for path in
        ["/app/assets/index-old.js", "/app/favicon.ico", "/app/.env", "/apple", "/app/../app.x", "/bulk"]
    {
        let (status, code, _) = refusal(get(&platform, path, &[("accept", BROWSER)]).await).await;
        assert_eq!((status, code.as_str()), (404, "not_found"), "{path}");
    }
    let posted = Client::new().post(format!("{}/app/", platform.url())).send().await.unwrap();
    assert_eq!(refusal(posted).await.0, 405);
}

#[tokio::test]
async fn a_browser_is_sent_to_the_page_and_a_program_gets_json() {
    let env = TestEnv::new().await;
    let platform = api(&env, &[]).await;
    let sent = get(&platform, "/", &[("accept", BROWSER)]).await;
    assert_eq!((sent.status().as_u16(), header(&sent, "location").as_str()), (303, "/app/"));
    for accept in ["*/*", "application/json", "application/json, text/html;q=0.9"] {
        let answer = get(&platform, "/", &[("accept", accept)]).await;
        assert_eq!(answer.status(), 200, "{accept}");
        assert!(header(&answer, "content-type").starts_with("application/json"), "{accept}");
        assert!(header(&answer, "vary").contains("accept"), "{accept}");
    }
}

#[tokio::test]
async fn without_the_page_there_is_only_the_api() {
    let env = TestEnv::new().await;
    let platform = api(&env, &[("PAGE", "off")]).await;
    assert_eq!(get(&platform, "/", &[("accept", BROWSER)]).await.status(), 200);
    assert_eq!(refusal(get(&platform, "/app/", &[]).await).await.0, 404);
}
