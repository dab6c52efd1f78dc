//! `/v1/webhook-endpoints`: what is accepted, what is shown, and what belongs to the operator.

use anyhow::ensure;
use contract::signature::Refusal;
use integration::{eventually::eventually, stack::platform::Platform};
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::{ENDPOINTS, Scene};
use crate::wire::Wire;

#[tokio::test]
async fn only_public_https_and_what_the_operator_allows_can_be_registered() {
    let scene = Scene::set().await;
    let port = scene.receiver.address.port();
    for url in [
        "http://example.com/hook".to_owned(),
        format!("http://127.0.0.1:{}/hook", port + 1),
        format!("https://127.1:{}/", port + 1),
        "https://2130706433/".to_owned(),
        "https://[::ffff:127.0.0.1]/".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://user:secret@example.com/".to_owned(),
        "ftp://example.com".to_owned(),
        String::new(),
    ] {
        let reply = scene.call(Method::POST, "", json!({"url": url})).await;
        reply.problem(400, "malformed");
        assert_eq!(reply.json()["errors"][0]["pointer"], "/url", "{url}");
    }
    let url = scene.receiver.url();
    for body in [
        json!({}),
        json!({"url": url, "event_types": []}),
        json!({"url": url, "event_types": ["transaction.teleported"]}),
        json!({"url": url, "description": "x".repeat(501)}),
        json!({"url": url, "headers": {"Host": "example.com"}}),
    ] {
        scene.call(Method::POST, "", body).await.problem(400, "malformed");
    }
    let reply = scene.call(Method::POST, "", json!({"url": "https://localhost:1/", "enabled": false})).await;
    assert_eq!(reply.status, 201, "what a name means is seen when it is connected to");
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let scene = Scene::set().await;
    let url = format!("https://localhost:{}/hook", scene.receiver.address.port());
    let made = scene.call(Method::POST, "", json!({"url": url})).await.json();
    let id = made["id"].as_str().unwrap().parse().unwrap();
    scene.pay(1).await;
    scene.until(id, "the attempt fails", |all| all[0].attempts.iter().any(|attempt| attempt.error.is_some())).await;
    let error = scene.deliveries(id).await[0].attempts[0].error.clone().unwrap();
    assert!(error.contains("public address"), "{error}");
    assert!(scene.receiver.received().is_empty());
}

#[tokio::test]
async fn an_endpoint_is_read_changed_and_deleted_and_its_secret_is_shown_once() {
    let scene = Scene::set().await;
    let (id, first) = scene.register(json!(["account.opened", "account.opened"])).await;
    let shown = scene.call(Method::GET, &format!("/{id}"), Value::Null).await;
    assert!(!shown.body.contains("whsec_") && shown.json()["event_types"] == json!(["account.opened"]), "{shown:?}");
    let listed = scene.call(Method::GET, "", Value::Null).await.json();
    assert_eq!(listed["data"][0], shown.json());
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT sealed FROM transactions.webhook_secrets").fetch_one(&scene.database).await.unwrap();
    assert!(!stored.windows(8).any(|window| window == &first.as_bytes()[..8]), "the secret is stored as it is");

    let path = format!("/{id}");
    let changed =
        scene.call(Method::PATCH, &path, json!({"event_types": null, "description": "Books", "enabled": false})).await;
    let changed = changed.json();
    assert_eq!((&changed["event_types"], &changed["disabled_reason"]), (&Value::Null, &json!("requested")));
    scene.pay(1).await;
    eventually("what happened meanwhile is nobody's to deliver", async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM transactions.outbox_dispatch").fetch_one(&scene.database).await?;
        ensure!(waiting == 0, "{waiting} wait");
        Ok(())
    })
    .await;
    scene.call(Method::PATCH, &path, json!({"enabled": true})).await;
    scene.pay(1).await;
    scene.received(1).await;

    let rotated = scene.call(Method::POST, &format!("{path}/rotate-secret"), Value::Null).await.json();
    let second = rotated["secret"].as_str().unwrap().parse().unwrap();
    scene.pay(1).await;
    scene.received(2).await;
    let requests = scene.receiver.received();
    assert_eq!(requests[0].verify(std::slice::from_ref(&second)), Err(Refusal::WrongSignature));
    assert_eq!(requests[1].header("webhook-signature").split(' ').count(), 2);
    for secret in [&first, &second] {
        requests[1].verify(std::slice::from_ref(secret)).unwrap();
    }
    scene.sql("UPDATE webhook_secrets SET expires_at = now() WHERE expires_at IS NOT NULL; UPDATE webhook_endpoints SET version = version + 1").await;
    scene.pay(1).await;
    scene.received(3).await;
    assert_eq!(scene.receiver.received()[2].verify(&[first]), Err(Refusal::WrongSignature));

    assert_eq!(scene.call(Method::DELETE, &path, Value::Null).await.status, 204);
    for (method, path) in
        [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::GET, format!("{path}/deliveries"))]
    {
        scene.call(method, &path, Value::Null).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn the_platforms_own_endpoint_is_seen_and_cannot_be_touched() {
    let platform = Platform::start().await.unwrap();
    let office = Wire::to(&platform.transaction_svc[0]).bearing(platform.service_token().unwrap());
    let listed = office.get(ENDPOINTS).await.json();
    let own = &listed["data"][0];
    assert_eq!((&own["configured"], &own["url"]), (&json!(true), &json!(platform.notification_svc[0].webhook_url())));
    let path = format!("{ENDPOINTS}/{}", own["id"].as_str().unwrap());
    for (method, path, body) in [
        (Method::PATCH, path.clone(), json!({"enabled": false})),
        (Method::DELETE, path.clone(), Value::Null),
        (Method::POST, format!("{path}/rotate-secret"), Value::Null),
    ] {
        let request = office.request(method, &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        crate::wire::send(request).await.problem(409, "configured_endpoint");
    }
    let reply = office.get(&format!("{path}/deliveries?status=failed")).await;
    assert_eq!((reply.status, &reply.json()["data"]), (200, &json!([])));
}
