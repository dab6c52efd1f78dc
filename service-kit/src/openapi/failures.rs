//! The problems that an operation may answer with. Those that follow from what it is (who may call it, whether it has a
//! body, a key) are not repeated at each route.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::ProblemKind;

/// Completes `x-problems`, and adds one response for each status among them. An operation without `x-problems` is left
/// without: a route says so even where it has no problem of its own.
pub(super) fn add(method: &str, operation: &mut Map<String, Value>, kinds: &[ProblemKind]) {
    let Some(own) = operation.get("x-problems").and_then(Value::as_array) else { return };
    let codes: Vec<&str> = own.iter().filter_map(Value::as_str).collect();
    let common = common(method, operation);
    let mut all: Vec<ProblemKind> =
        kinds.iter().filter(|kind| codes.contains(&kind.code) || common.contains(kind)).copied().collect();
    all.sort_by_key(|kind| (kind.status, kind.code));
    let mut by_status: BTreeMap<StatusCode, Vec<ProblemKind>> = BTreeMap::new();
    for kind in &all {
        by_status.entry(kind.status).or_default().push(*kind);
    }
    operation.insert("x-problems".to_owned(), json!(all));
    for (status, kinds) in by_status {
        operation["responses"][status.as_str()] = response(status, &kinds);
    }
}

/// What every operation of this form may answer with.
fn common(method: &str, operation: &Map<String, Value>) -> Vec<ProblemKind> {
    let parameters = operation.get("parameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    let has_key = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
    let body = operation.get("requestBody").map(|body| &body["content"]["application/json"]["schema"]);
    // What has a schema of its own is read as JSON; what has none is taken as bytes, whatever it is called.
    let has_json = body.is_some_and(|schema| schema.get("$ref").is_some() || schema.get("oneOf").is_some());
    let mut kinds = vec![ProblemKind::INTERNAL, ProblemKind::UNAVAILABLE];
    let mut add = |applies: bool, more: &[ProblemKind]| {
        if applies {
            kinds.extend_from_slice(more);
        }
    };
    let (has_caller, changes) = (needs_token(operation), method != "get");
    add(has_caller, &[ProblemKind::UNAUTHENTICATED, ProblemKind::RATE_LIMITED]);
    // Without a scope, or a session's CSRF token.
    add(has_caller && (changes || operation["x-scope"] != "none"), &[ProblemKind::FORBIDDEN]);
    add(has("path"), &[ProblemKind::NOT_FOUND]);
    add(has("query") || has_key || body.is_some(), &[ProblemKind::MALFORMED]);
    add(body.is_some(), &[ProblemKind::PAYLOAD_TOO_LARGE]);
    add(has_json, &[ProblemKind::UNSUPPORTED_MEDIA_TYPE]);
    add(has_key, &[ProblemKind::IDEMPOTENCY_KEY_REUSED, ProblemKind::OVERLOADED]);
    add(changes, &[ProblemKind::OUTCOME_UNKNOWN]);
    kinds
}

/// Whether the operation leaves the security of the document as it is.
fn needs_token(operation: &Map<String, Value>) -> bool {
    !operation.contains_key("security")
}

fn response(status: StatusCode, kinds: &[ProblemKind]) -> Value {
    let named = |kind: &ProblemKind| format!("- `{}`: {}", kind.code, kind.explanation.meaning);
    let example =
        |kind: &ProblemKind| (kind.code.to_owned(), json!({"$ref": format!("#/components/examples/{}", kind.code)}));
    let mut response = json!({
        "description": kinds.iter().map(named).collect::<Vec<_>>().join("\n"),
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": kinds.iter().map(example).collect::<Map<_, _>>(),
        }},
    });
    if kinds.iter().any(|kind| kind.retryable) {
        response["headers"]["Retry-After"] = json!({"description": "Seconds until it is worth trying again.", "schema": {"type": "integer", "minimum": 0}});
    }
    if status == StatusCode::UNAUTHORIZED {
        response["headers"]["WWW-Authenticate"] = json!({"schema": {"type": "string", "enum": ["Bearer"]}});
    }
    response
}

/// One example for each kind, to which responses refer.
pub(super) fn examples(kinds: &[ProblemKind]) -> Value {
    let example = |kind: &ProblemKind| {
        let value = json!({
            "type": format!("/problems/{}", kind.code),
            "title": kind.title,
            "status": kind.status.as_u16(),
            "code": kind.code,
            "detail": kind.explanation.meaning,
            "request_id": "01980f6e-6f2c-7b51-a3f4-3f0e5c0b8a11",
            "retryable": kind.retryable,
        });
        (kind.code.to_owned(), json!({"summary": kind.title, "value": value}))
    };
    Value::Object(kinds.iter().map(example).collect())
}
