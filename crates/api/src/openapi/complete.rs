//! What holds for many routes, added to each that it holds for: how callers say who they are, the errors that follow from
//! what stands before a handler, and the headers of every answer.

use serde_json::{Value, json};

use super::operations;

/// A refusal: status, code, a description and an example of the message.
struct Refusal {
    status: &'static str,
    code: &'static str,
    description: &'static str,
    message: &'static str,
}

const fn refusal(
    status: &'static str,
    code: &'static str,
    description: &'static str,
    message: &'static str,
) -> Refusal {
    Refusal { status, code, description, message }
}

const REFUSALS: [Refusal; 13] = [
    refusal(
        "400",
        "validation_failed",
        "The request breaks a rule; `error.details` names each",
        "the request is not valid",
    ),
    refusal(
        "401",
        "unauthorized",
        "The caller did not say who they are, or not credibly",
        "a bearer token is missing",
    ),
    refusal("403", "forbidden", "The token's scope does not allow it", "the scope bulk:read is missing"),
    refusal(
        "404",
        "not_found",
        "There is no such thing, or it is another account's",
        "bulk action not found",
    ),
    refusal(
        "408",
        "request_timeout",
        "The body came too slowly",
        "the body came too slowly: send at least 1 KiB per second",
    ),
    refusal(
        "409",
        "conflict",
        "The present state does not allow it",
        "an action that is completed cannot be paused",
    ),
    refusal(
        "410",
        "gone",
        "It has been removed: its time was over",
        "the results of this action have been removed: kept until 2026-03-02T12:00:00Z. The counts of the action remain",
    ),
    refusal(
        "413",
        "file_too_large",
        "Too many bytes or rows",
        "the file is larger than 1048576000 bytes: split it into several files",
    ),
    refusal(
        "414",
        "uri_too_long",
        "The path with its query is too long",
        "the path with its query must have at most 8192 bytes",
    ),
    refusal(
        "415",
        "unsupported_media_type",
        "A body or file of a kind that is not taken",
        "send the upload as multipart/form-data",
    ),
    refusal(
        "429",
        "rate_limited",
        "The account or the address asks too often",
        "too many requests: try again in 3 s",
    ),
    refusal(
        "431",
        "headers_too_large",
        "The headers are too long or too many",
        "the headers must have at most 32768 bytes",
    ),
    refusal(
        "503",
        "unavailable",
        "A dependency is down, or the process is about to end",
        "the service is temporarily unavailable, please try again",
    ),
];

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
            "description": "Names the request in the log",
            "required": true,
            "schema": { "type": "string", "format": "uuid" },
        },
        "RateLimit-Limit": number("Requests in a window, of the account's limit that is nearest to its end", 10_000),
        "RateLimit-Remaining": number("What is left of them now", 9_999),
        "RateLimit-Reset": number("Seconds until all of them are there again", 1),
        "Retry-After": number("Seconds after which it is worth trying again", 5),
    })
}

/// From an action that was created to everything that can be asked of it.
fn links(document: &Value) -> Value {
    let about_one = operations(document).filter(|(path, ..)| path.contains("{id}"));
    let named = about_one.filter_map(|(.., operation)| operation["operationId"].as_str());
    let link = |id: &str| json!({ "operationId": id, "parameters": { "id": "$response.body#/data/id" } });
    named.map(|id| (id.to_owned(), link(id))).collect::<serde_json::Map<_, _>>().into()
}

/// Gives every refusal that can meet this operation its envelope.
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
    for refusal in &REFUSALS {
        let is_implied = implied.contains(&(refusal.status, true));
        let named = operation["responses"].get(refusal.status);
        if !(is_implied || named.is_some()) || named.is_some_and(|named| named.get("content").is_some()) {
            continue;
        }
        let description = named.map_or(refusal.description.into(), |named| named["description"].clone());
        operation["responses"][refusal.status] = refused(refusal, &description);
    }
}

fn refused(refusal: &Refusal, description: &Value) -> Value {
    let details = match refusal.status {
        "400" => json!([{ "field": "limit", "message": "must be a whole number from 1 to 100" }]),
        _ => json!([]),
    };
    let example = json!({
        "success": false,
        "message": refusal.message,
        "error": { "code": refusal.code, "details": details },
        "timestamp": "2026-01-31T12:00:00.000Z",
        "traceId": "0af76519-16cd-43dd-8448-eb211c80319c",
    });
    let schema = json!({ "$ref": "#/components/schemas/Failure" });
    let mut response = json!({
        "description": description,
        "content": { "application/json": { "schema": schema, "example": example } },
    });
    if ["429", "503"].contains(&refusal.status) {
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
        // Before it is known who is calling, nobody's limit is.
        let has_limit = is_owned && !["401", "414", "431"].contains(&status.as_str());
        if has_limit || status == "429" {
            for name in ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"] {
                response["headers"][name] = header(name);
            }
        }
    }
}
