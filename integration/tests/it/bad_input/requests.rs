//! Requests that are wrong as a whole: no JSON, too much of it, a bad key, a path that leads nowhere.

use integration::people::fresh_key;
use reqwest::Method;

use super::{
    body::{Body, text},
    refused_fields,
};
use crate::{
    stage::{ACCOUNTS, Stage, TRANSACTIONS},
    wire::{Wire, send},
};

const MAX_BODY_BYTES: usize = 64 * 1_024;

#[tokio::test]
async fn a_request_that_is_wrong_as_a_whole_changes_nothing() {
    let stage = Stage::with(1).await;
    let before = stage.rows().await;
    let (wire, payment) = (stage.wire("alice"), Body::payment(stage.alice, stage.bob));
    for path in [TRANSACTIONS, ACCOUNTS] {
        wrong_bodies(&wire, path).await;
    }
    let twice = Body([payment.0.clone(), vec![("amount", text("6"))]].concat());
    assert!(refused_fields(&wire.post(TRANSACTIONS, &fresh_key(), twice).await).is_empty());
    wrong_media_types(&wire, &payment).await;
    wrong_keys(&wire, &payment).await;
    wrong_paths(&wire).await;
    assert_eq!(stage.rows().await, before);
}

async fn wrong_bodies(wire: &Wire, path: &str) {
    let bottomless = format!(r#"{{"metadata": {}"#, "[".repeat(MAX_BODY_BYTES / 2));
    for body in ["", " ", "{", "nil", "{} {}", "\u{feff}{}", r#"{"a": 01}"#, r#"{"a": 1e999}"#, r#"{"a": "\ud800"}"#] {
        assert!(refused_fields(&wire.post(path, &fresh_key(), body).await).is_empty(), "{body}");
    }
    for body in [b"{\"name\": \"\xff\"}".to_vec(), bottomless.into_bytes()] {
        assert!(refused_fields(&wire.post(path, &fresh_key(), body).await).is_empty());
    }
    for body in ["[]", "[1]", "null", "7", r#""body""#] {
        assert_eq!(refused_fields(&wire.post(path, &fresh_key(), body).await), [""], "{body}");
    }
    let too_large = format!("{{{}}}", " ".repeat(MAX_BODY_BYTES));
    wire.post(path, &fresh_key(), too_large).await.problem(413, "payload_too_large");
}

async fn wrong_media_types(wire: &Wire, payment: &Body) {
    let post = || {
        let request = wire.request(Method::POST, TRANSACTIONS).header("Idempotency-Key", fresh_key());
        request.body(payment.clone())
    };
    send(post()).await.problem(415, "unsupported_media_type");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        send(post().header("Content-Type", media_type)).await.problem(415, "unsupported_media_type");
    }
}

async fn wrong_keys(wire: &Wire, payment: &Body) {
    let post = || {
        let request = wire.request(Method::POST, TRANSACTIONS).header("Content-Type", "application/json");
        request.body(payment.clone())
    };
    assert!(refused_fields(&send(post()).await).is_empty());
    let long = "k".repeat(256);
    for key in [b"".as_slice(), b"a b", b"a\tb", "schlüssel".as_bytes(), long.as_bytes()] {
        assert!(refused_fields(&send(post().header("Idempotency-Key", key)).await).is_empty(), "{key:?}");
    }
    let two_keys = post().header("Idempotency-Key", fresh_key()).header("Idempotency-Key", fresh_key());
    assert!(refused_fields(&send(two_keys).await).is_empty());
}

/// What cannot be an id names nothing, and is told in the same words as an id that nobody has.
async fn wrong_paths(wire: &Wire) {
    for (path, id) in [(ACCOUNTS, "acc_01kaqmd2c5e8hbz5nqg3bfkvxd"), (TRANSACTIONS, "txn_01kaqmd2c5e8hbz5nqg3bfkvxd")] {
        let missing = wire.get(&format!("{path}/{id}")).await;
        missing.problem(404, "not_found");
        let (upper, short, long) = (id.to_uppercase(), &id[..29], id.repeat(100));
        for other in ["acc_", "txn_", "7", "%00", "%ff", "%20", "..%2f", &upper, short, &long] {
            assert_eq!(wire.get(&format!("{path}/{other}")).await.body, missing.body, "{path}/{other}");
        }
    }
    wire.get("/v1/nothing").await.problem(404, "not_found");
    send(wire.request(Method::DELETE, ACCOUNTS)).await.problem(405, "method_not_allowed");
}
