//! A receiver answers nothing but 500 for as long as it is tried, and is disabled by its owner meanwhile.

use contract::webhook::DeliveryStatus;
use integration::receivers::Manner;
use reqwest::Method;
use serde_json::{Value, json};

use super::chapter::Chapter;
use crate::webhooks::fixture::Scene;

pub(super) const CHAPTER: &str = "A receiver of webhooks was down for a day";
const FAILED: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_when_a_receiver_was_down_for_a_day() {
    let scene = Scene::set().await;
    let mut chapter = Chapter::open(&scene.platform, CHAPTER).await;
    scene.receiver.behave(Manner::Status(500));
    let (endpoint, _) = scene.register(Value::Null).await;
    scene.pay(FAILED).await;
    scene.give_up(endpoint, FAILED).await;
    scene.call(Method::PATCH, &format!("/{endpoint}"), json!({"enabled": false})).await;
    let said = chapter.run(0).await;
    assert!(said.contains(&endpoint.to_string()) && said.contains("\"enabled\":false"), "{said}");

    scene.receiver.behave(Manner::Status(200));
    let said = chapter.run(1).await;
    assert!(said.contains(&format!("\"recovered\":{FAILED}")), "{said}");
    chapter.run(2).await;
    chapter.close();
    scene
        .until(endpoint, "all are delivered", |all| {
            all.len() == FAILED && all.iter().all(|one| one.status == DeliveryStatus::Delivered)
        })
        .await;
}
