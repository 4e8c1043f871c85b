//! `/session`: a browser exchanges its token for a cookie, reads its permissions, and signs out.
//!
//! Signing in is restricted to this service's pages too: another page could otherwise make its user work in an
//! attacker's account.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::auth::{Authenticator, Caller};
use crate::envelope::{Success, Timestamp, success};
use crate::error::ApiError;
use crate::state::AppState;

/// Sufficient for a token with many claims.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    let sign_in = routes!(sign_in).layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    OpenApiRouter::new().routes(sign_in).routes(routes!(show)).routes(routes!(sign_out))
}

/// Credential of a browser.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Credential {
    /// With `AUTH_MODE=jwt`.
    Token(TokenCredential),
    /// With `AUTH_MODE=header`.
    Account(AccountCredential),
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenCredential {
    /// The token that `Authorization: Bearer` would carry.
    token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountCredential {
    /// The account that the header `account-id` would name.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,255}$")]
    account: String,
}

/// The signed-in caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionView {
    account: String,
    /// `bulk:read`, `bulk:write`, both or none.
    scopes: Vec<&'static str>,
    /// Expiry of the token and the session; null for an account id without a token.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

impl From<Caller> for SessionView {
    fn from(caller: Caller) -> Self {
        Self { scopes: caller.scopes(), account: caller.account, expires_at: caller.until.map(Timestamp) }
    }
}

/// Signs a browser in: verifies its token and sets a cookie that holds it, for as long as the token is valid.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "signIn",
    tag = "session",
    request_body = Credential,
    responses(
        (
            status = 200,
            description = "Signed in",
            body = Success<SessionView>,
            headers(("Set-Cookie" = String, description = "HttpOnly, SameSite=Strict, and over TLS Secure")),
        ),
        (status = 400, description = "Not a JSON object with `token` or `account`"),
        (status = 401, description = "The credential is invalid, or of a kind that this service does not accept"),
        (status = 403, description = "The request comes from a page of another site"),
        (status = 413, description = "The body is too long for a token"),
        (status = 415, description = "Not application/json"),
    ),
)]
async fn sign_in(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Json<Credential>, JsonRejection>,
) -> Result<Response, ApiError> {
    check_browser(&state, &headers)?;
    let Json(credential) = body.map_err(|refused| unreadable(&refused))?;
    let credential = expected(&state, credential)?;
    let caller = state.authenticator.verify(&credential)?;
    let cookie = state.sessions.cookie(&headers, &credential, caller.until)?;
    tracing::info!(accountId = caller.account, "signed in");
    Ok(([(header::SET_COOKIE, cookie)], success("Signed in", SessionView::from(caller))).into_response())
}

/// A browser names the page that a request comes from. A program that sends no such header has no cookies to protect.
fn check_browser(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    let is_browser = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    if is_browser { state.sessions.check_origin(headers) } else { Ok(()) }
}

fn unreadable(refused: &JsonRejection) -> ApiError {
    match refused.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::UnsupportedMediaType("send the credential as application/json".to_owned())
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::FileTooLarge(format!("a sign-in has at most {MAX_BODY_BYTES} bytes"))
        }
        _ => ApiError::invalid("body", r#"must be {"token":"…"} or, with AUTH_MODE=header, {"account":"…"}"#),
    }
}

fn expected(state: &AppState, credential: Credential) -> Result<String, ApiError> {
    if !state.sessions.are_enabled() {
        return Err(ApiError::Forbidden(
            "the gateway before this service says who is calling: there is no sign-in",
        ));
    }
    match (state.authenticator.as_ref(), credential) {
        (Authenticator::Jwt { .. }, Credential::Token(TokenCredential { token })) => {
            Ok(token.trim().to_owned())
        }
        (Authenticator::Header, Credential::Account(AccountCredential { account })) => Ok(account),
        (Authenticator::Jwt { .. }, _) => Err(ApiError::Unauthorized("this service asks for a token")),
        (Authenticator::Header, _) => Err(ApiError::Unauthorized("this service asks for an account id")),
    }
}

/// Shows the caller's account and permissions, by the session's cookie or by the headers of any other request.
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "getSession",
    tag = "session",
    responses(
        (status = 200, description = "Who is calling", body = Success<SessionView>),
        (status = 401, description = "No account is signed in"),
    ),
)]
async fn show(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<Success<SessionView>>, ApiError> {
    let session = state.sessions.identify(&state.authenticator, &Method::GET, &headers)?;
    let caller = session.map_or_else(|| state.authenticator.identify(&headers), Ok)?;
    Ok(success("Signed in", caller.into()))
}

/// Signs a browser out: deletes its cookie.
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "signOut",
    tag = "session",
    responses(
        (
            status = 204,
            description = "Signed out",
            headers(("Set-Cookie" = String, description = "Removes the cookie")),
        ),
        (status = 403, description = "The request comes from a page of another site"),
    ),
)]
async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    check_browser(&state, &headers)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, state.sessions.forget(&headers)?)]).into_response())
}
