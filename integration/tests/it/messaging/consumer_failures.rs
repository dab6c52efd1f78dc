use std::collections::BTreeSet;

use integration::eventually::eventually;
use messaging::{
    Role,
    metrics::ConsumerState,
    topology::{self, NOTIFICATIONS},
};

use super::{
    desk::{Desk, Drawer, Running},
    fixture::{Server, events, small, until},
};

#[tokio::test]
async fn what_was_handled_and_not_acknowledged_comes_again() {
    let server = Server::start().await;
    server.shorten_ack_wait().await;
    server.publish(&events(20)).await;
    let desk = Desk::content().held_up();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    desk.has_begun(1).await;
    consumer.crash().await;

    desk.permits.add_permits(1_000);
    let successor = Running::start(&server, &desk, &Drawer::default()).await;
    desk.has_answered(20).await;
    successor.stop().await;
    assert_eq!(server.ack_pending().await, 0);
    assert!(desk.begun().iter().any(|(_, attempt)| *attempt == 2));
}

#[tokio::test]
async fn a_durable_deleted_under_the_consumer_is_noticed_and_used_again_when_it_is_back() {
    let server = Server::start().await;
    let desk = Desk::content().held_up();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    server.publish(&events(10)).await;
    desk.has_begun(1).await;
    server.administrator().await.delete_consumer_from_stream(NOTIFICATIONS.name, NOTIFICATIONS.stream).await.unwrap();
    desk.permits.add_permits(1_000);
    consumer.is(ConsumerState::Lost).await;
    let now = consumer.metrics.snapshot();
    assert!(now.unconfirmed > 0 && now.acknowledged == 0, "{now:?}");

    topology::ensure(&server.client(Role::Provisioner).await, &small()).await.unwrap();
    consumer.is(ConsumerState::Running).await;
    eventually("everything is acknowledged", async || {
        let acknowledged = consumer.metrics.snapshot().acknowledged;
        anyhow::ensure!(acknowledged == 10, "{acknowledged} of 10");
        Ok(())
    })
    .await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_consumer_starts_while_its_durable_is_missing_and_says_so() {
    let server = Server::bare().await;
    let desk = Desk::content();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    consumer.is(ConsumerState::Lost).await;
    topology::ensure(&server.client(Role::Provisioner).await, &small()).await.unwrap();
    consumer.is(ConsumerState::Running).await;
    server.publish(&events(3)).await;
    desk.has_answered(3).await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_server_killed_in_the_middle_loses_nothing() {
    let server = Server::start().await;
    server.shorten_ack_wait().await;
    server.publish(&events(2_000)).await;
    let desk = Desk::content().held_up();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    desk.permits.add_permits(1);
    desk.has_answered(1).await;
    server.process.kill().await.unwrap();
    desk.permits.add_permits(1_000);
    server.process.start().await.unwrap();

    eventually("everything is handled", async || {
        let answered: BTreeSet<_> = desk.answered().into_iter().collect();
        anyhow::ensure!(answered.len() == 2_000, "{} of 2000", answered.len());
        Ok(())
    })
    .await;
    consumer.is(ConsumerState::Running).await;
    until("everything is acknowledged", async || server.ack_pending().await == 0).await;
    consumer.stop().await;
}
