//! Two ways to a notification: either alone is enough, and both together notify once.

use anyhow::ensure;
use integration::{
    eventually::eventually,
    people::cents,
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
    },
};

use crate::trial::Trial;

async fn told(platform: &Platform, count: i64) {
    let ada = platform.person("ada").unwrap();
    eventually("ada is told of each payment", async || {
        let unread = ada.inbox.counts("me").await?.unread;
        ensure!(unread == count, "{unread} notifications");
        Ok(())
    })
    .await;
}

async fn first_ways(platform: &Platform) -> Vec<String> {
    sqlx::query_scalar("SELECT DISTINCT way FROM notifications.received_events ORDER BY way")
        .fetch_all(&platform.pool().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn with_nats_off_everybody_is_notified_by_webhook() {
    let platform = Platform::start().await.unwrap();
    platform.backing.nats.process.as_ref().unwrap().stop().await.unwrap();
    let bank = platform.bank().await.unwrap();
    let account = platform.person("ada").unwrap().open_account().await.unwrap().id;
    for _ in 0..20 {
        bank.fund(account, cents(1)).await.unwrap();
    }
    told(&platform, 21).await;
    assert_eq!(first_ways(&platform).await, ["webhook"]);
}

#[tokio::test]
async fn with_webhooks_off_everybody_is_notified_over_jetstream() {
    let layout = Layout { push: false, ..Layout::default() };
    let platform = Platform::start_on(Backing::cloned().await.unwrap(), &layout).await.unwrap();
    let bank = platform.bank().await.unwrap();
    bank.open_funded(&platform.person("ada").unwrap(), cents(1)).await.unwrap();
    told(&platform, 2).await;
    assert_eq!(first_ways(&platform).await, ["jetstream"]);
}

#[tokio::test]
async fn over_both_ways_everybody_is_notified_once_whichever_comes_first() {
    let trial = Trial::of_two_replicas().await;
    let history = trial.under_load(async { trial.clients.told(200).await.unwrap() }).await;
    trial.assert_promise_kept(&history, integration::history::check::InboxOrder::Any).await;
    let delivered = async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM transactions.webhook_queue").fetch_one(trial.database()).await?;
        ensure!(waiting == 0, "{waiting} deliveries wait");
        Ok(())
    };
    eventually("every webhook is delivered", delivered).await;
    trial.assert_promise_kept(&history, integration::history::check::InboxOrder::Any).await;
}
