//! What all operations share: authentication, the errors of the middleware, and the headers of every response.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ObjectBuilder, OpenApi, Ref, RefOr, Response};
use utoipa::{Modify, ToSchema as _};

use super::operations;
use crate::envelope::Failure;
use crate::error::{Documented, ErrorKind, KINDS};

/// Operation whose response leads to all requests about the new action.
const CREATION: &str = "createBulkAction";

/// Adds the shared parts.
pub(super) struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_schemes_from_iter(security_schemes());
        components.headers.extend(headers().map(|(name, header)| (name.to_owned(), header.into())));
        let links = links(document);
        for (path, _, operation) in operations(document) {
            add_errors(path, operation);
            add_headers(operation);
            if operation.operation_id.as_deref() == Some(CREATION) {
                add_links(operation, &links);
            }
        }
    }
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "HS256, signed with JWT_SECRET. Claims: `sub`, the account; `exp`, required; `scope`, optional: `bulk:read`, \
         `bulk:write` or both.",
    ));
    let session = ApiKeyValue::with_description(
        "bulk-session",
        "What `POST /session` answers with, for browsers (`__Host-bulk-session` over TLS). Counts where no header names \
         the caller; changes only with `Sec-Fetch-Site: same-origin` or this service's own `Origin`.",
    );
    let account = ApiKeyValue::with_description(
        "account-id",
        "The account itself, `[A-Za-z0-9_-]{1,255}`; only where the service runs with AUTH_MODE=header.",
    );
    [
        ("bearer", SecurityScheme::Http(bearer.build())),
        ("session", SecurityScheme::ApiKey(ApiKey::Cookie(session))),
        ("accountId", SecurityScheme::ApiKey(ApiKey::Header(account))),
    ]
}

fn headers() -> [(&'static str, Header); 5] {
    let number = |description: &str, example: u32| {
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).examples([example]);
        HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build()
    };
    let id = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let trace = HeaderBuilder::new().description(Some("Trace id of the request in the log")).schema(Some(id));
    // utoipa 6.0 has no `required` for headers (not reported upstream); extensions are written as they are.
    let trace = trace.extensions(Some(Extensions::from_iter([("required", true)])));
    [
        ("X-Trace-ID", trace.build()),
        (
            "RateLimit-Limit",
            number("Requests per window, for the account's limit that is nearest to exhaustion", 10_000),
        ),
        ("RateLimit-Remaining", number("Remaining requests", 9_999)),
        ("RateLimit-Reset", number("Seconds until all of them are available again", 1)),
        ("Retry-After", number("Seconds after which a retry makes sense", 5)),
    ]
}

/// Links from a created action to every request about it.
fn links(document: &mut OpenApi) -> BTreeMap<String, RefOr<Link>> {
    let about_one = operations(document).filter(|(path, ..)| path.contains("{id}"));
    let named = about_one.filter_map(|(.., operation)| operation.operation_id.clone());
    let link = |id: String| {
        let link = LinkBuilder::new().operation_id(&id).parameter("id", "$response.body#/data/id").build();
        (id, link.into())
    };
    named.map(link).collect()
}

fn add_links(operation: &mut Operation, links: &BTreeMap<String, RefOr<Link>>) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            response.links.extend(links.clone());
        }
    }
}

/// Adds the envelope of every error response that the operation can have.
fn add_errors(path: &str, operation: &mut Operation) {
    let (is_owned, is_probe) =
        (operation.security.is_some(), path.starts_with("/health") || path == "/metrics");
    let implied = |status: StatusCode| match status.as_u16() {
        400 => has_parameter(operation, &ParameterIn::Query),
        401 | 403 => is_owned,
        404 => has_parameter(operation, &ParameterIn::Path),
        414 | 431 => true,
        429 | 503 => !is_probe,
        _ => false,
    };
    let mut errors = by_status();
    errors
        .retain(|status, _| implied(*status) || operation.responses.responses.contains_key(status.as_str()));
    for (status, kinds) in errors {
        let response = operation.responses.responses.entry(status.as_str().to_owned());
        let response = response.or_insert_with(|| Response::new(kinds[0].1.meaning).into());
        if let RefOr::T(response) = response
            && response.content.is_empty()
        {
            let content = body(&named_in(&response.description, &kinds));
            response.content.insert("application/json".to_owned(), content.into());
            if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status) {
                add_header(response, "Retry-After");
            }
        }
    }
}

fn has_parameter(operation: &Operation, place: &ParameterIn) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *place))
}

/// A documented kind of error, with its texts.
type DocumentedKind = (&'static ErrorKind, &'static Documented);

/// The documented kinds of error, by their status; the usual one first.
fn by_status() -> BTreeMap<StatusCode, Vec<DocumentedKind>> {
    let mut found = BTreeMap::<_, Vec<DocumentedKind>>::new();
    for kind in KINDS {
        if let Some(texts) = &kind.documented {
            found.entry(kind.status).or_default().push((kind, texts));
        }
    }
    found
}

/// The kinds whose codes the description of a response names; otherwise the usual kind of its status.
fn named_in<'a>(description: &str, kinds: &'a [DocumentedKind]) -> Vec<&'a DocumentedKind> {
    let named: Vec<_> = kinds.iter().filter(|(kind, _)| description.contains(kind.code)).collect();
    if named.is_empty() { kinds.iter().take(1).collect() } else { named }
}

/// The envelope with an example of every code.
fn body(kinds: &[&DocumentedKind]) -> Content {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Failure::name())));
    match kinds {
        [(kind, only)] => content.example(Some(envelope(kind, only))).build(),
        several => {
            let example = |(kind, texts): &&DocumentedKind| {
                let example = ExampleBuilder::new().summary(texts.meaning);
                (kind.code, example.value(Some(envelope(kind, texts))))
            };
            content.examples_from_iter(several.iter().map(example)).build()
        }
    }
}

fn envelope(kind: &ErrorKind, texts: &Documented) -> Value {
    let details = texts.details.iter().map(|(field, message)| json!({ "field": field, "message": message }));
    json!({
        "success": false,
        "message": texts.example,
        "error": { "code": kind.code, "details": details.collect::<Vec<_>>() },
        "timestamp": "2026-01-31T12:00:00.000Z",
        "traceId": "0af76519-16cd-43dd-8448-eb211c80319c",
    })
}

fn add_headers(operation: &mut Operation) {
    let is_owned = operation.security.is_some();
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        add_header(response, "X-Trace-ID");
        // Errors before authentication have no rate-limit headers of an account.
        let has_limit = is_owned && !["401", "414", "431"].contains(&status.as_str());
        if has_limit || status == "429" {
            for name in ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
                add_header(response, name);
            }
        }
    }
}

fn add_header(response: &mut Response, name: &str) {
    let header = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
    response.headers.insert(name.to_owned(), header);
}
