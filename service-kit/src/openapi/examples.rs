//! Examples of bodies and answers. They belong to the schemas: of a whole struct, where its fields must agree with each
//! other, or of the fields. From these the example of every operation is put together.

use serde_json::{Map, Value, json};

const MOMENT: &str = "2026-11-23T06:15:37.123456Z";

/// Gives the body and the answers of an operation their examples, where it has none of its own, and a description to
/// each answer.
pub(super) fn add(operation: &mut Map<String, Value>, schemas: &Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        exemplify(parameter, schemas);
    }
    for content in contents(operation.get_mut("requestBody")) {
        exemplify(content, schemas);
    }
    for (status, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
        if response["description"].as_str().is_none_or(str::is_empty) {
            let status = axum::http::StatusCode::from_bytes(status.as_bytes()).ok();
            response["description"] = status.and_then(|status| status.canonical_reason()).unwrap_or("Answer").into();
        }
        for content in contents(Some(response)) {
            exemplify(content, schemas);
        }
    }
}

fn contents(of: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    of.and_then(|of| of.get_mut("content")).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

fn exemplify(described: &mut Value, schemas: &Value) {
    let has_one = described.get("example").is_some() || described.get("examples").is_some();
    if let Some(example) = example(&described["schema"], schemas).filter(|_| !has_one) {
        described["example"] = example;
    }
}

/// An example of what the schema describes; `None` where neither it nor a part that is required has one.
fn example(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(given) = schema.get("example").or_else(|| schema.get("default")) {
        return Some(given.clone());
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return example(schemas.get(reference.rsplit('/').next()?)?, schemas);
    }
    if let Some(given) = schema.pointer("/examples/0").or_else(|| schema.pointer("/enum/0")) {
        return Some(given.clone());
    }
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return choices.iter().find_map(|choice| example(choice, schemas));
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts: Option<Vec<Value>> = parts.iter().map(|part| example(part, schemas)).collect();
        let members = parts?.into_iter().filter_map(|part| part.as_object().cloned()).flatten();
        return Some(Value::Object(members.collect()));
    }
    match kind(schema)? {
        "object" => members(schema, schemas),
        "array" => Some(json!([example(&schema["items"], schemas)?])),
        "boolean" => Some(true.into()),
        "string" if schema["format"] == "date-time" => Some(MOMENT.into()),
        _ => None,
    }
}

/// The type of a schema, `null` aside.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(kind) if kind != "null" => Some(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

/// An object with all members of which there is an example; `None` where a required one has none.
fn members(schema: &Value, schemas: &Value) -> Option<Value> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let mut members = Map::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        match example(member, schemas) {
            Some(value) => {
                members.insert(name.clone(), value);
            }
            None if required(name) => return None,
            None => {}
        }
    }
    Some(Value::Object(members))
}
