//! Bodies: everything that is wrong with one is said at once, and where.

use axum::Router;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::http::{Field, Fields, JsonBody, Problem};

use crate::support::{Server, problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireOrder {
    #[serde(default)]
    count: Field<u8>,
    #[serde(default)]
    name: Field<String>,
    #[serde(default)]
    floor: Field<i64>,
    #[serde(default)]
    lines: Field<Vec<WireLine>>,
    #[serde(default)]
    note: Field<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLine {
    sku: String,
}

async fn order(JsonBody(wire): JsonBody<WireOrder>) -> Result<String, Problem> {
    let mut fields = Fields::new();
    let count = fields.required("/count", wire.count);
    let name = fields.optional("/name", wire.name);
    let floor = fields.nullable("/floor", wire.floor);
    let lines = fields.optional("/lines", wire.lines).unwrap_or_default();
    fields.optional("/note", wire.note);
    fields.finish(|| {
        let first = lines.first().map(|line| line.sku.as_str());
        Some(format!("{} {:?} {floor:?} {first:?}", count?, name.as_deref()))
    })
}

async fn server() -> Server {
    Server::start(Router::new().route("/", post(order))).await
}

async fn send(server: &Server, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let request = server.client.post(server.url("/")).header("content-type", "application/json; charset=utf-8");
    request.body(body).send().await.unwrap()
}

/// Pointers and codes of what was refused.
async fn refused(server: &Server, body: impl Into<reqwest::Body>) -> Vec<(String, String)> {
    let answer = problem(send(server, body).await).await;
    assert_eq!((&answer["code"], &answer["status"]), (&"malformed".into(), &400.into()));
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
}

#[tokio::test]
async fn absent_null_and_present_are_three_things() {
    let server = server().await;
    for (body, answer) in [
        (json!({"count": 1}), "1 None None None"),
        (json!({"count": 1, "name": null, "floor": null}), "1 None Some(None) None"),
        (json!({"count": 1, "name": "äöüßñ", "floor": -5}), r#"1 Some("äöüßñ") Some(Some(-5)) None"#),
        (json!({"count": 1, "lines": [{"sku": "tea"}]}), r#"1 None None Some("tea")"#),
    ] {
        assert_eq!(send(&server, body.to_string()).await.text().await.unwrap(), answer);
    }
}

#[tokio::test]
async fn every_refused_field_is_reported_at_once() {
    let server = server().await;
    let body = json!({"name": 6, "floor": "low", "lines": [{"sku": "tea"}, {"sku": 7}], "note": {"a": ["b\0"]}});
    let expected = [
        ("/count", "required"),
        ("/name", "invalid_type"),
        ("/floor", "invalid_type"),
        ("/lines/1/sku", "invalid_type"),
        ("/note", "invalid"),
    ];
    let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(refused(&server, body.to_string()).await, expected);
}

#[tokio::test]
async fn each_kind_of_mistake_has_a_pointer_and_a_code() {
    let server = server().await;
    for (body, pointer, code) in [
        (r#"{"count": null}"#, "/count", "required"),
        (r#"{"count": 256}"#, "/count", "out_of_range"),
        (r#"{"count": -1}"#, "/count", "out_of_range"),
        (r#"{"count": 1.5}"#, "/count", "invalid_type"),
        (r#"{"count": "1"}"#, "/count", "invalid_type"),
        (r#"{"count": 1, "floor": 9223372036854775808}"#, "/floor", "out_of_range"),
        (r#"{"count": 1, "floor": 1e300}"#, "/floor", "invalid_type"),
        (r#"{"count": 1, "name": "\u0000"}"#, "/name", "invalid"),
        (r#"{"count": 1, "note": {"\u0000": 1}}"#, "/note", "invalid"),
        (r#"{"count": 1, "lines": [{}]}"#, "/lines/0", "required"),
        (r#"{"count": 1, "lines": [{"sku": "a", "~b/c": 1}]}"#, "/lines/0/~0b~1c", "unknown_field"),
        (r#"{"count": 1, "price": 5}"#, "/price", "unknown_field"),
        (r#"{"count": 1, "lines": [["tea"]]}"#, "/lines/0", "invalid_type"),
        ("[1]", "", "invalid_type"),
        ("[]", "", "invalid_type"),
        (r#""order""#, "", "invalid_type"),
        ("null", "", "invalid_type"),
    ] {
        assert_eq!(refused(&server, body).await, [(pointer.to_owned(), code.to_owned())], "{body}");
    }
}

#[tokio::test]
async fn every_field_that_is_unknown_is_named() {
    let server = server().await;
    let both = [("/price", "unknown_field"), ("/size", "unknown_field")];
    let both = both.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(refused(&server, r#"{"count": 1, "size": 2, "price": 5}"#).await, both);
}

#[tokio::test]
async fn what_is_not_json_is_malformed_as_a_whole() {
    let server = server().await;
    let bottomless = "[".repeat(10_000);
    for body in ["", "{", r#"{"count": 1} {}"#, r#"{"count": 1, "count": 2}"#, r#"{"count": 01}"#, &bottomless] {
        assert_eq!(refused(&server, body.to_owned()).await, [], "{body}");
    }
    assert_eq!(refused(&server, b"{\"name\": \"\xff\"}".as_slice()).await, []);
}

#[tokio::test]
async fn only_json_of_a_bounded_size_is_read() {
    let server = server().await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let request = server.client.post(server.url("/")).header("content-type", content_type);
        let response = request.body(r#"{"count": 1}"#).send().await.unwrap();
        assert_eq!(problem(response).await["code"], "unsupported_media_type", "{content_type}");
    }
    let large = format!(r#"{{"count": 1{}}}"#, " ".repeat(65_536));
    assert_eq!(problem(send(&server, large).await).await["code"], "payload_too_large");
}
