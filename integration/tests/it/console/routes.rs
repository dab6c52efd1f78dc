//! What the console shows, and whom it asks for it.

use anyhow::ensure;
use client::{Operations, Transport};
use contract::timeline::Step;
use integration::{eventually::eventually, people::cents, stack::identity::OPERATOR_SCOPES};

use crate::{
    operations::fixture::plant_dead_letter,
    stage::Stage,
    wire::{Wire, send},
};

const TRANSACTIONS: &str = "/v1/console/transactions";

fn operator(stage: &Stage) -> Operations {
    let (url, token) = (stage.platform.notification_svc[0].url.clone(), stage.platform.operator_token().unwrap());
    Operations(Transport::new(reqwest::Client::new(), url, token))
}

#[tokio::test]
async fn operators_see_the_queues_the_payments_and_whole_lives_in_one_place() {
    let stage = Stage::with(1).await;
    let operator = operator(&stage);
    let id = stage.platform.person("alice").unwrap().pay(stage.alice, stage.bob, cents(5)).await.unwrap().id;
    plant_dead_letter(&stage.platform, "not an event").await;

    let timeline = eventually("both parties are notified", async || {
        let timeline = operator.whole_timeline(id).await?;
        let notified = timeline.steps.iter().filter_map(|step| match &step.step {
            Step::Notified { user, muted: false, .. } => Some(user.clone()),
            _ => None,
        });
        let mut notified: Vec<_> = notified.collect();
        notified.sort_unstable();
        ensure!(notified == ["alice", "bob"], "{notified:?}");
        Ok(timeline)
    })
    .await;
    assert!(timeline.steps.is_sorted_by_key(|step| step.at), "{timeline:#?}");
    assert_eq!(
        timeline.steps[..2].iter().map(|step| &step.step).collect::<Vec<_>>(),
        [&Step::Accepted, &Step::Committed]
    );
    assert_eq!(operator.newest_transactions().await.unwrap()[0].id, id);
    eventually("everything is told", async || {
        let overview = operator.overview().await?;
        let outbox = overview.outbox.unwrap();
        ensure!(outbox.relay.events == 0 && outbox.dispatch.events == 0, "{outbox:?}");
        ensure!(overview.dead_letters == 1 && overview.consumers[0].lag_messages == 0, "{overview:?}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_ledger_is_asked_as_the_operator_and_its_absence_hides_nothing_else() {
    let stage = Stage::with(1).await;
    let paid = stage.platform.person("alice").unwrap().pay(stage.alice, stage.bob, cents(5)).await.unwrap();
    let console = Wire::to(&stage.platform.notification_svc[0]);
    // Whoever may see their own transactions only sees no others here.
    let narrow = "ops:read transactions:read";
    for (user, status) in [("alice", 200), ("mallory", 404)] {
        let wire = console.bearing(stage.token(user, narrow));
        assert_eq!(wire.get(&format!("{TRANSACTIONS}/{}/timeline", paid.id)).await.status, status, "{user}");
    }
    let mallorys = console.bearing(stage.token("mallory", narrow)).get(TRANSACTIONS).await;
    assert_eq!(mallorys.json()["data"], serde_json::json!([]));

    // A session is shown to the ledger in the operator's place, and the other cookies are not.
    let wire = console.bearing(stage.token("operator", OPERATOR_SCOPES));
    let begun =
        send(wire.request(reqwest::Method::POST, "/v1/sessions").json(&serde_json::json!({"console": true}))).await;
    let (cookie, _) = begun.header("Set-Cookie").unwrap().split_once(';').unwrap();
    let asked = console.request(reqwest::Method::GET, TRANSACTIONS).header("Cookie", format!("theme=dark; {cookie}"));
    assert_eq!(send(asked).await.json()["data"][0]["id"], paid.id.to_string());

    stage.platform.transaction_svc[0].process.stop().await.unwrap();
    let overview = wire.get("/v1/console/overview").await;
    assert!(overview.status == 200 && overview.json()["outbox"].is_null(), "{overview:?}");
    wire.get(TRANSACTIONS).await.problem(503, "unavailable");
}

#[tokio::test]
async fn the_page_takes_nothing_from_elsewhere() {
    let stage = Stage::with(1).await;
    let console = Wire::to(&stage.platform.notification_svc[0]);
    let page = console.get("/console").await;
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let files: Vec<_> = page.body.split('"').filter(|word| word.starts_with("/console/")).collect();
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        let served = console.get(file).await;
        assert_eq!((served.status, served.header("X-Content-Type-Options")), (200, Some("nosniff")), "{file}");
    }
    assert!(!page.body.contains("://") && !page.body.contains("<style") && !page.body.contains(" style="));
    console.get("/console/nothing.js").await.problem(404, "not_found");
}
