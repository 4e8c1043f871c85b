//! Time limit for routes that read a few rows and objects. Uploads and downloads have none; they take as long as their
//! bytes.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Longer than the timeouts of the database (5 s) and of one object (20 s) together, whose errors say more.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Responds with 503 when the time limit has passed.
pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Unavailable(Some("no answer within the time limit".into())).into_response(),
    }
}
