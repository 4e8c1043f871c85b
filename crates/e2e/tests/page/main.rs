//! The page in a real browser with a real platform. The tests themselves are in web/e2e, for Node and Chromium. Each
//! runs here on its own platform, whose processes it can have killed and started.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod stage;
#[path = "../http/tools.rs"]
mod tools;

use stage::in_browser;

const JWT: [(&str, &str); 2] = [("AUTH_MODE", "jwt"), ("JWT_SECRET", stage::SECRET)];

#[tokio::test]
async fn somebody_signs_in_and_out() {
    in_browser("sign-in", &JWT).await;
}

#[tokio::test]
async fn a_file_is_imported_from_drop_to_done() {
    in_browser("wizard", &[]).await;
}

#[tokio::test]
async fn an_action_is_watched_and_steered() {
    in_browser("action", &[("CHUNK_SIZE", "50"), ("MAX_CHUNK_ATTEMPTS", "1")]).await;
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_servers_words() {
    in_browser("refusals", &[("MAX_FILE_SIZE_MB", "100")]).await;
}

#[tokio::test]
async fn every_screen_can_be_used_by_everybody() {
    in_browser("screens", &[]).await;
}
