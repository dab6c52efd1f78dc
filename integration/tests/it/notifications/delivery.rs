//! Events over JetStream, to the running service.

use std::time::Duration;

use contract::{
    EventId,
    notification::{Notification, NotificationStatus},
};
use integration::{
    eventually::{eventually, within},
    fault::signal,
    people::cents,
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
    },
};
use serde_json::Value;

use super::fixture::{Store, described, message, now, payment, publish};
use crate::wire::Wire;

/// The notifications of a user, the newest first, once there are so many.
async fn inbox(platform: &Platform, user: &str, count: usize) -> Vec<Notification> {
    let person = platform.person(user).unwrap();
    eventually("the notifications are there", async || {
        let page = person.inbox.list("me", None).await?;
        anyhow::ensure!(page.data.len() >= count, "{} of {count}", page.data.len());
        Ok(page.data)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_told_to_both_parties_and_each_deals_with_its_own_notification() {
    let platform = Platform::start().await.unwrap();
    let bank = platform.bank().await.unwrap();
    let (alice, bob) = (platform.person("alice").unwrap(), platform.person("bob").unwrap());
    let from = bank.open_funded(&alice, cents(10_000)).await.unwrap();
    let to = bob.open_account().await.unwrap();
    let payment = alice.pay(from.id, to.id, cents(1_250)).await.unwrap();

    let told = inbox(&platform, "alice", 3).await;
    let titles: Vec<_> = told.iter().map(|notification| notification.title.as_str()).collect();
    assert_eq!(titles, ["You paid EUR 12.50", "You received EUR 100.00", "Your account is open"]);
    assert_eq!(told[0].transaction_id, Some(payment.id));
    assert_eq!(told[0].account_id, from.id);
    assert_eq!((told[0].amount.get(), told[0].position), (-1_250, 3));
    assert_eq!(told[0].body, "Your new balance is EUR 87.50.");
    let bobs = inbox(&platform, "bob", 2).await;
    assert_eq!(bobs[0].title, "You received EUR 12.50");

    let read = alice.inbox.mark_read("me", told[0].id).await.unwrap();
    assert_eq!(read.status, NotificationStatus::Read);
    alice.inbox.archive("alice", told[1].id).await.unwrap();
    let counts = alice.inbox.counts("me").await.unwrap();
    assert_eq!((counts.unread, counts.read, counts.archived), (1, 1, 1));
    assert_eq!(alice.inbox.mark_all_read("me").await.unwrap().unread, 0);
    assert_eq!(bob.inbox.counts("me").await.unwrap().unread, 2);
    Store::of(&platform.backing.database).await.is_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_a_dead_letter_with_its_reason_and_holds_nothing_up() {
    let platform = Platform::start().await.unwrap();
    let (first, last) = (payment("alice", "bob"), payment("alice", "bob"));
    let newer = String::from_utf8(payment("alice", "bob").encode().unwrap()).unwrap();
    let newer = newer.replace("\"dataversion\":\"1\"", "\"dataversion\":\"2\"");
    let id = || EventId::new(now(), rand::random());
    let unstorable = described(payment("alice", "bob"), "Rent\0");
    let forged = described(first.clone(), "Something else");
    let messages = vec![
        message(&first),
        (id(), b"not an event".to_vec()),
        (id(), newer.into_bytes()),
        message(&unstorable),
        (id(), forged.encode().unwrap()),
        message(&last),
    ];
    publish(&platform, messages).await;

    let told: Vec<_> = inbox(&platform, "alice", 2).await.iter().map(|notification| notification.event_id).collect();
    assert_eq!(told, [last.id, first.id]);
    let component = eventually("four dead letters are counted", async || {
        let component = consumer(&platform).await;
        anyhow::ensure!(component["progress"]["dead_lettered"] == 4, "{component}");
        Ok(component)
    })
    .await;
    assert_eq!(component["up"], true);
    let metrics = admin(&platform, "metrics").await;
    for line in [
        r#"notification_events_total{outcome="conflict",way="jetstream"} 1"#,
        r#"notification_events_total{outcome="refused",way="jetstream"} 1"#,
        r#"notifications_created_total{type="transaction.posted",way="jetstream"} 4"#,
        r#"consumer_messages_total{what="dead_lettered"} 4"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_events_wait_and_no_attempt_is_counted() {
    let backing = Backing::private().await.unwrap();
    let platform = Platform::start_on(backing, &Layout::default()).await.unwrap();
    let postgres = platform.backing.postgres.process.as_ref().unwrap();
    postgres.kill().await.unwrap();
    let alice = Wire::to(&platform.notification_svc[0]).bearing(platform.user_token("alice").unwrap());
    alice.get("/v1/users/me/notifications").await.problem(503, "unavailable");

    let events: Vec<_> = (0..700).map(|_| payment("alice", "bob")).collect();
    publish(&platform, events.iter().map(message).collect()).await;
    // It is up again for every further try, so that says nothing: what it has in hand and cannot work on does.
    eventually("the consumer keeps its batch in hand and says why", async || {
        let component = consumer(&platform).await;
        let progress = &component["progress"];
        anyhow::ensure!(progress["in_hand"].as_u64() > Some(0) && progress["last_error"].is_string(), "{component}");
        Ok(())
    })
    .await;

    eventually("Postgres starts again once its backends are gone", async || postgres.start().await).await;
    let person = platform.person("alice").unwrap();
    eventually("everything is told", async || {
        let counts = person.inbox.counts("me").await?;
        anyhow::ensure!(counts.unread == 700, "{counts:?}");
        Ok(())
    })
    .await;
    let store = Store::of(&platform.backing.database).await;
    let order: Vec<_> = (1..).zip(events.iter().map(|event| event.id)).collect();
    assert!(store.told().await["alice"] == order, "in another order than the stream");
    store.is_consistent().await;
    eventually("the consumer has reported", async || {
        let component = consumer(&platform).await;
        anyhow::ensure!(component["progress"]["dead_lettered"] == 0, "{component}");
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_with_a_full_backlog_it_ends_well_and_its_successor_goes_on() {
    let platform = Platform::start().await.unwrap();
    let process = &platform.notification_svc[0].process;
    process.stop().await.unwrap();
    let events: Vec<_> = (0..5_000).map(|_| payment("alice", "bob")).collect();
    publish(&platform, events.iter().map(message).collect()).await;

    process.start().await.unwrap();
    inbox(&platform, "alice", 1).await;
    signal::terminate(process.pid().unwrap()).unwrap();
    assert_eq!(process.ended().await, "exit status: 0");

    process.start().await.unwrap();
    let person = platform.person("alice").unwrap();
    // What was on its way to the stopped one comes again after `ack_wait`.
    within(Duration::from_secs(60), "everything is told", async || {
        let counts = person.inbox.counts("me").await?;
        anyhow::ensure!(counts.unread == 5_000, "{counts:?}");
        Ok(())
    })
    .await
    .unwrap();
    Store::of(&platform.backing.database).await.is_consistent().await;
}

async fn admin(platform: &Platform, path: &str) -> String {
    let url = platform.notification_svc[0].admin_url.join(path).unwrap();
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

/// What the service says of its consumer.
async fn consumer(platform: &Platform) -> Value {
    let report: Value = serde_json::from_str(&admin(platform, "readyz?verbose").await).unwrap();
    report["components"]["consumer"].clone()
}
