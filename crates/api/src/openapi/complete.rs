//! Adds the shared parts to the operations: authentication, the errors of the middleware, and the headers of every
//! response.

use serde_json::{Value, json};

use super::operations;
use crate::error::{ErrorKind, KINDS};

/// Completes the document.
pub(super) fn complete(document: &mut Value) {
    document["components"]["securitySchemes"] = security_schemes();
    document["components"]["headers"] = headers();
    let links = links(document);
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.iter_mut()) {
        let (path, item) = item;
        for operation in item.as_object_mut().into_iter().flat_map(|methods| methods.values_mut()) {
            refuse(path, operation);
            carry_headers(operation);
        }
    }
    for status in ["200", "201"] {
        document["paths"]["/bulk-actions"]["post"]["responses"][status]["links"] = links.clone();
    }
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "HS256, signed with JWT_SECRET. Claims: `sub`, the account; `exp`, required; `scope`, optional: \
                `bulk:read`, `bulk:write` or both.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "bulk-session",
            "description": "What `POST /session` answers with, for browsers (`__Host-bulk-session` over TLS). Counts where no header \
                names the caller; changes only with `Sec-Fetch-Site: same-origin` or this service's own `Origin`.",
        },
        "accountId": {
            "type": "apiKey",
            "in": "header",
            "name": "account-id",
            "description": "The account itself, `[A-Za-z0-9_-]{1,255}`; only where the service runs with AUTH_MODE=header.",
        },
    })
}

fn headers() -> Value {
    let number = |description: &str, example: u32| json!({ "description": description, "schema": { "type": "integer", "minimum": 0, "examples": [example] } });
    json!({
        "X-Trace-ID": {
            "description": "Trace id of the request in the log",
            "required": true,
            "schema": { "type": "string", "format": "uuid" },
        },
        "RateLimit-Limit": number("Requests per window, for the account's limit that is nearest to exhaustion", 10_000),
        "RateLimit-Remaining": number("Remaining requests", 9_999),
        "RateLimit-Reset": number("Seconds until all of them are available again", 1),
        "Retry-After": number("Seconds after which a retry makes sense", 5),
    })
}

/// Links from a created action to every request about it.
fn links(document: &Value) -> Value {
    let about_one = operations(document).filter(|(path, ..)| path.contains("{id}"));
    let named = about_one.filter_map(|(.., operation)| operation["operationId"].as_str());
    let link = |id: &str| json!({ "operationId": id, "parameters": { "id": "$response.body#/data/id" } });
    named.map(|id| (id.to_owned(), link(id))).collect::<serde_json::Map<_, _>>().into()
}

/// Adds the envelope of every error response that the operation can have.
fn refuse(path: &str, operation: &mut Value) {
    let has_parameter = |place: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["in"] == place))
    };
    let (is_owned, is_probe) =
        (operation.get("security").is_some(), path.starts_with("/health") || path == "/metrics");
    let implied = [
        ("400", has_parameter("query")),
        ("401", is_owned),
        ("403", is_owned),
        ("404", has_parameter("path")),
        ("414", true),
        ("429", !is_probe),
        ("431", true),
        ("503", !is_probe),
    ];
    for kind in KINDS {
        let status = kind.status.as_str();
        let is_implied = implied.contains(&(status, true));
        let named = operation["responses"].get(status);
        if !(is_implied || named.is_some()) || named.is_some_and(|named| named.get("content").is_some()) {
            continue;
        }
        let description = named.map_or(kind.description.into(), |named| named["description"].clone());
        operation["responses"][status] = refused(kind, &description);
    }
}

fn refused(kind: &ErrorKind, description: &Value) -> Value {
    let details = match kind.status.as_str() {
        "400" => json!([{ "field": "limit", "message": "must be a whole number from 1 to 100" }]),
        _ => json!([]),
    };
    let example = json!({
        "success": false,
        "message": kind.example,
        "error": { "code": kind.code, "details": details },
        "timestamp": "2026-01-31T12:00:00.000Z",
        "traceId": "0af76519-16cd-43dd-8448-eb211c80319c",
    });
    let schema = json!({ "$ref": "#/components/schemas/Failure" });
    let mut response = json!({
        "description": description,
        "content": { "application/json": { "schema": schema, "example": example } },
    });
    if ["429", "503"].contains(&kind.status.as_str()) {
        response["headers"]["Retry-After"] = header("Retry-After");
    }
    response
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn carry_headers(operation: &mut Value) {
    let is_owned = operation.get("security").is_some();
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        response["headers"]["X-Trace-ID"] = header("X-Trace-ID");
        // Errors before authentication have no rate-limit headers of an account.
        let has_limit = is_owned && !["401", "414", "431"].contains(&status.as_str());
        if has_limit || status == "429" {
            for name in ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
                response["headers"][name] = header(name);
            }
        }
    }
}
