//! The OpenAPI document of a service, completed from what its routes say.
//!
//! A route says its summary, its scope (`x-scope`), the schemas of its body and of its answer, and which problems are its
//! own (`x-problems`). What follows from these is added here, for every route alike: the problems that all routes of its
//! kind have, a response for each status, and examples, which come from the schemas.

mod examples;
mod failures;

use serde_json::{Map, Value, json};
use utoipa::openapi::{
    OpenApi,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa::{PartialSchema, ToSchema};

use crate::http::{ProblemDocument, ProblemKind};

/// What a cursor looks like: base64url (see [`crate::http::Cursors`]).
const CURSOR: &str = "^[A-Za-z0-9_-]+$";

/// The security schemes, for `#[openapi(modifiers(&BearerToken), security(("bearer" = []), ("session" = [])))]`.
#[derive(Debug, Clone, Copy)]
pub struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let session = ApiKeyValue::with_description(
            "__Host-session",
            "A session; what changes something needs its CSRF token in the header `X-CSRF-Token`, too.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

/// The document of a service whose routes are `described` and whose own problems are `own`, in a form that is the same on
/// every run.
#[must_use]
pub fn document(mut described: OpenApi, own: &[ProblemKind]) -> Value {
    let components = described.components.get_or_insert_default();
    let mut problem = vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut problem);
    components.schemas.extend(problem);

    let mut document = serde_json::to_value(described).expect("a description consists of what JSON can hold");
    let mut schemas = document["components"]["schemas"].take();
    refer_to_components(&mut schemas);
    allow_absent_parts(&mut schemas);
    let kinds: Vec<ProblemKind> = ProblemKind::COMMON.iter().chain(own).copied().collect();
    for (method, operation) in operations(&mut document) {
        describe_key(operation);
        allow_absence(operation);
        examples::add(operation, &schemas);
        failures::add(method, operation, &kinds);
    }
    document["components"]["schemas"] = schemas;
    document["components"]["examples"] = failures::examples(&kinds);
    document
}

/// Every operation of a document, with its method.
fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &mut Map<String, Value>)> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let methods = paths.filter_map(Value::as_object_mut).flatten();
    methods.filter_map(|(method, operation)| Some((method.as_str(), operation.as_object_mut()?)))
}

/// utoipa writes the items of a generic list out; where these are a component, a reference says it shorter.
fn refer_to_components(schemas: &mut Value) {
    let known: Vec<(String, Value)> =
        schemas.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    for schema in schemas.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(items) = schema.pointer_mut("/properties/data/items") else { continue };
        if let Some((name, _)) = known.iter().find(|(_, component)| component == items) {
            *items = json!({"$ref": format!("#/components/schemas/{name}")});
        }
    }
}

/// A flattened `Option` is written by utoipa as a part that is an object or null; what is absent is no null, but nothing.
fn allow_absent_parts(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let parts = schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten();
        for part in parts.filter_map(Value::as_object_mut) {
            let Some(choices) = part.remove("oneOf") else { continue };
            let choices = choices.as_array().into_iter().flatten();
            let present: Vec<&Value> = choices.filter(|choice| choice["type"] != "null").collect();
            part.insert("anyOf".to_owned(), present.into_iter().cloned().chain([json!({"type": "object"})]).collect());
        }
    }
}

/// A body or a parameter that may be left out is written by utoipa as one that may be null. And what cursors look like.
fn allow_absence(operation: &mut Map<String, Value>) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["name"] == "cursor" {
            parameter["schema"]["pattern"] = CURSOR.into();
        }
        let mut types = parameter["schema"]["type"].as_array().into_iter().flatten();
        if let Some(present) = types.find(|name| *name != "null").cloned() {
            parameter["schema"]["type"] = present;
        }
    }
    let content = operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
    for media in content.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        let mut choices = media["schema"]["oneOf"].as_array().into_iter().flatten();
        if let Some(body) = choices.find(|choice| choice["type"] != "null").cloned() {
            media["schema"] = body;
        }
    }
}

/// What an `Idempotency-Key` may be, and that a repeated answer says so.
fn describe_key(operation: &mut Map<String, Value>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
    let Some(key) = parameters.into_iter().find(|parameter| parameter["name"] == "Idempotency-Key") else { return };
    key["schema"] = json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"});
    key["example"] = "5f2c7d1e-rent-2026-11".into();
    let is_needed = key["required"] == true;
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        // Where the key may be left out, it is what makes something that needs it.
        if status == "201" || is_needed && status.starts_with('2') {
            response["headers"]["Idempotent-Replayed"] = json!({
                "description": "`true` where the answer was given before, under the same key.",
                "schema": {"type": "string", "enum": ["true"]},
            });
        }
    }
}
