//! `serve --roles`: processes that do one thing each make a whole platform together, and what one of them does not do waits
//! until another does.

use anyhow::{Context, ensure};
use integration::{
    eventually::eventually,
    people::cents,
    stack::{platform::Layout, service::Service},
};
use serde_json::Value;
use tokio::net::TcpStream;
use url::Url;

use crate::{stage::Stage, trial::metric};

const PAYMENTS: i64 = 5;

async fn json(url: Url) -> Value {
    let answer = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

/// The parts that a process reports about, in alphabetical order.
async fn parts(service: &Service) -> Vec<String> {
    let report = json(service.admin_url.join("readyz?verbose").unwrap()).await;
    report["components"].as_object().unwrap().keys().cloned().collect()
}

/// How many connections the ledger has to NATS.
async fn connections(stage: &Stage) -> usize {
    let monitor = stage.platform.backing.nats.monitor_url.as_ref().unwrap();
    let connections = json(monitor.join("connz").unwrap()).await["connections"].take();
    connections.as_array().unwrap().iter().filter(|one| one["name"] == "transaction-svc").count()
}

async fn pay(stage: &Stage) {
    for _ in 0..PAYMENTS {
        stage.bank.office.pay(stage.alice, stage.bob, cents(1)).await.unwrap();
    }
}

/// Waits until the API's process says that so many events wait for a way, and that the oldest has an age.
async fn wait(api: &Service, outbox: &str, events: i64) {
    eventually("the API's process sees what waits", async || {
        let waiting = metric(api, &format!("{outbox}_events")).await?;
        let age = metric(api, &format!("{outbox}_oldest_age_seconds")).await?;
        ensure!(
            waiting == events as f64 && (age > 0.0) == (events > 0),
            "{waiting} events wait in {outbox}, for {age} s"
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_api_a_relay_and_a_deliverer_make_a_platform_and_each_waits_for_the_others() {
    let roles = vec!["api", "relay", "deliver"];
    let stage = Stage::laid_out(&Layout { roles, ..Layout::default() }).await;
    let [api, relay, deliver] = &stage.platform.transaction_svc[..] else { panic!("three processes") };
    assert_eq!(parts(api).await, ["redis", "schema", "token keys"]);
    assert_eq!(parts(relay).await, ["relay", "schema"]);
    assert_eq!(parts(deliver).await, ["schema"]);
    for service in [relay, deliver] {
        let address = service.url.socket_addrs(|| None).unwrap();
        assert!(TcpStream::connect(&address[..]).await.is_err(), "{} serves nobody", service.process.name());
    }
    stage.assert_in_order().await;
    assert_eq!(connections(&stage).await, 1, "only the relay speaks to NATS");

    relay.process.stop().await.unwrap();
    deliver.process.stop().await.unwrap();
    pay(&stage).await;
    wait(api, "outbox", PAYMENTS).await;
    wait(api, "webhook_undispatched", PAYMENTS).await;
    assert_eq!(connections(&stage).await, 0);

    deliver.process.start().await.unwrap();
    let bob = stage.platform.person("bob").unwrap();
    eventually("bob is told by webhook", async || {
        let unread = bob.inbox.counts("me").await?.unread;
        ensure!(unread == 1 + PAYMENTS, "{unread} notifications");
        Ok(())
    })
    .await;
    wait(api, "webhook_undispatched", 0).await;
    wait(api, "outbox", PAYMENTS).await;
    assert_eq!(connections(&stage).await, 0);

    relay.process.start().await.unwrap();
    wait(api, "outbox", 0).await;
    stage.assert_in_order().await;
}

#[tokio::test]
async fn each_is_ready_while_nats_is_away_and_the_own_endpoint_is_there_before_anybody_delivers() {
    let roles = vec!["api", "relay"];
    let stage = Stage::laid_out(&Layout { roles, ..Layout::default() }).await;
    let nats = stage.platform.backing.nats.process.as_ref().unwrap();
    nats.stop().await.unwrap();
    for service in &stage.platform.transaction_svc {
        service.process.restart().await.unwrap();
    }
    pay(&stage).await;
    let endpoint: Option<String> = sqlx::query_scalar(
        "SELECT min(url) FROM transactions.webhook_endpoints WHERE enabled AND configured_as IS NOT NULL",
    )
    .fetch_one(stage.database())
    .await
    .unwrap();
    let receiver = stage.platform.notification_svc[0].webhook_url();
    assert_eq!(endpoint.context("nobody has made it").unwrap(), receiver.as_str());
    nats.start().await.unwrap();
    wait(&stage.platform.transaction_svc[0], "outbox", 0).await;
}
