//! Sending again what failed: one, or everything since a moment, each exactly once.

use std::collections::BTreeSet;

use contract::webhook::DeliveryStatus;
use integration::receivers::Manner;
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::Scene;

const FAILED: usize = 120;

#[tokio::test]
async fn whatever_failed_is_recovered_once_each_however_often_it_is_asked_for() {
    let scene = Scene::with(2).await;
    scene.receiver.behave(Manner::Status(500));
    let (endpoint, _) = scene.register(Value::Null).await;
    scene.pay(FAILED).await;
    scene.give_up(endpoint, FAILED).await;
    let path = format!("/{endpoint}/recover");
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    let before = scene.receiver.received().len();
    let late = scene.call(Method::POST, &path, json!({"since": "2999-01-01T00:00:00Z"})).await;
    assert_eq!((late.status, &late.json()["recovered"]), (202, &json!(0)));

    scene.receiver.behave(Manner::Status(200));
    let ask = || scene.call(Method::POST, &path, since.clone());
    let (one, other) = tokio::join!(ask(), ask());
    let recovered = |reply: &crate::wire::Reply| reply.json()["recovered"].as_u64().unwrap();
    assert_eq!(recovered(&one) + recovered(&other), FAILED as u64);
    scene
        .until(endpoint, "all are delivered", |all| all.iter().all(|one| one.status == DeliveryStatus::Delivered))
        .await;
    let again: Vec<_> = scene.receiver.received().split_off(before).iter().map(|one| one.id().to_owned()).collect();
    assert_eq!((again.len(), again.iter().collect::<BTreeSet<_>>().len()), (FAILED, FAILED));
    assert_eq!(recovered(&ask().await), 0);

    let delivery = scene.deliveries(endpoint).await.remove(0);
    let resend = format!("/{endpoint}/deliveries/{}/resend", delivery.id);
    assert_eq!(scene.call(Method::POST, &resend, Value::Null).await.status, 202);
    let ids = scene.received(before + FAILED + 1).await;
    assert_eq!(ids.last(), Some(&delivery.event_id));
    scene
        .call(Method::POST, &format!("/{endpoint}/deliveries/dlv_x/resend"), Value::Null)
        .await
        .problem(404, "not_found");
    scene.call(Method::POST, &path, json!({"since": "yesterday"})).await.problem(400, "malformed");
}
