//! Response to a panic in a handler: a defect, which must not break the connection or other requests.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// The response in place of the panicking handler's.
#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer wants")]
pub(crate) fn answer_for_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ApiError::internal(format!("a handler panicked: {text}")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use axum::routing::get;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_in_the_envelope_without_its_words() {
        async fn handler() -> &'static str {
            panic!("the password is hunter2")
        }
        let router = Router::new().route("/", get(handler)).layer(CatchPanicLayer::custom(answer_for_panic));
        let answer = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "internal");
        assert!(!body.to_string().contains("hunter2"), "{body}");
    }
}
