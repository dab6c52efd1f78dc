use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use async_nats::jetstream::{AckKind, consumer::PullConsumer};
use futures_util::StreamExt;
use integration::eventually::eventually;
use messaging::{
    Disposition, ParkedMessage,
    metrics::ConsumerState,
    topology::{DEAD_LETTERS, NOTIFICATIONS},
};

use super::{
    desk::{Desk, Drawer, Running},
    fixture::{Server, events, until},
};

fn retry(after: Duration) -> Disposition {
    Disposition::Retry { after, error: "not yet".to_owned() }
}

/// Has so many messages delivered so many times to a consumer that dies each time.
async fn delivered(server: &Server, count: usize, times: usize) {
    let administrator = server.administrator().await;
    let consumer: PullConsumer =
        administrator.get_consumer_from_stream(NOTIFICATIONS.name, NOTIFICATIONS.stream).await.unwrap();
    for _ in 0..times {
        let batch = consumer.batch().max_messages(count).expires(Duration::from_secs(5)).messages().await.unwrap();
        let messages: Vec<_> = batch.map(Result::unwrap).collect().await;
        assert_eq!(messages.len(), count);
        for message in &messages {
            message_returned(message).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "stands for a process that dies, whose messages come again")]
async fn message_returned(message: &async_nats::jetstream::Message) {
    message.double_ack_with(AckKind::Nak(None)).await.unwrap();
}

async fn letters(server: &Server, count: usize) -> Vec<(String, String)> {
    eventually("the dead letters arrive", async || {
        let letters = server.stored(DEAD_LETTERS).await;
        anyhow::ensure!(letters.len() == count, "{} of {count}", letters.len());
        let reason = |letter: &async_nats::jetstream::message::StreamMessage| {
            let header = |name: &str| letter.headers.get(name).unwrap().to_string();
            (header("Dlq-Reason"), header("Dlq-Attempts"))
        };
        Ok(letters.iter().map(reason).collect())
    })
    .await
}

#[tokio::test]
async fn a_failed_message_is_tried_again_soon_and_the_others_go_on() {
    let server = Server::start().await;
    let desk = Desk::new(|delivery| {
        if delivery.sequence == 3 && delivery.attempt == 1 { retry(Duration::ZERO) } else { Disposition::Done }
    });
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    server.publish(&events(10)).await;
    desk.has_answered(11).await;
    consumer.stop().await;
    assert_eq!(server.ack_pending().await, 0);
    let third: Vec<_> =
        desk.begun().into_iter().filter(|(body, _)| body.contains(": 3}")).map(|(_, attempt)| attempt).collect();
    assert_eq!(third, [1, 2]);
}

#[tokio::test]
async fn a_message_that_waits_long_is_parked_acknowledged_and_tried_when_it_is_due() {
    let server = Server::start().await;
    let desk =
        Desk::new(|delivery| if delivery.attempt < 3 { retry(Duration::from_secs(3_600)) } else { Disposition::Done });
    let drawer = Drawer::default();
    let consumer = Running::start(&server, &desk, &drawer).await;
    server.publish(&events(1)).await;

    for attempt in 1..=2 {
        eventually("it is parked", async || {
            let parked = drawer.parked();
            let due = *consumer.clock.lock().unwrap() + Duration::from_secs(3_600);
            let waits = |message: &ParkedMessage| message.delivery.attempt == attempt && message.due == due;
            anyhow::ensure!(parked.len() == 1 && waits(&parked[0]), "{parked:?}");
            Ok(())
        })
        .await;
        until("the broker is rid of it", async || server.ack_pending().await == 0).await;
        assert_eq!(desk.begun().len(), attempt as usize);
        consumer.advance_clock(Duration::from_secs(3_600));
    }
    desk.has_answered(3).await;
    until("it is not kept any longer", async || drawer.parked().is_empty()).await;
    consumer.stop().await;
}

#[tokio::test]
async fn the_eighth_failure_is_the_last() {
    let server = Server::start().await;
    let desk = Desk::new(|_| retry(Duration::from_secs(60)));
    let drawer = Drawer::default();
    let consumer = Running::start(&server, &desk, &drawer).await;
    server.publish(&events(1)).await;
    for attempt in 1..=8 {
        desk.has_answered(attempt).await;
        eventually("the failure is recorded", async || {
            let parked = drawer.parked();
            let waits = parked.first().is_some_and(|message| message.due > *consumer.clock.lock().unwrap());
            anyhow::ensure!(waits || (attempt == 8 && parked.is_empty()), "{parked:?}");
            Ok(())
        })
        .await;
        consumer.advance_clock(Duration::from_secs(4_000));
    }
    assert_eq!(letters(&server, 1).await, [("attempts_exhausted".to_owned(), "8".to_owned())]);
    consumer.stop().await;
    assert_eq!(desk.begun().len(), 8);
}

#[tokio::test]
async fn a_message_that_seems_to_kill_the_process_is_handled_alone_and_counted() {
    let server = Server::start().await;
    server.publish(&events(3)).await;
    delivered(&server, 3, 5).await;
    let desk = Desk::content().held_up();
    let drawer = Drawer::default();
    let consumer = Running::start(&server, &desk, &drawer).await;
    desk.has_begun(1).await;
    until("all wait outside the broker", async || server.ack_pending().await == 0).await;
    // Its attempt is recorded, though nobody knows yet how it ends.
    let mut attempts: Vec<_> = drawer.parked().iter().map(|message| message.delivery.attempt).collect();
    attempts.sort_unstable();
    assert_eq!((desk.begun().len(), attempts), (1, vec![3, 3, 4]));
    desk.permits.add_permits(3);
    desk.has_answered(3).await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_message_that_never_got_as_far_as_an_attempt_is_given_up() {
    let server = Server::start().await;
    server.publish(&events(1)).await;
    delivered(&server, 1, 20).await;
    let desk = Desk::content();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    assert_eq!(letters(&server, 1).await, [("delivered_too_often".to_owned(), "21".to_owned())]);
    until("it is terminated", async || server.ack_pending().await == 0).await;
    consumer.stop().await;
    assert_eq!(desk.begun(), []);
}

#[tokio::test]
async fn a_parked_message_whose_attempts_never_ended_is_given_up() {
    let server = Server::start().await;
    let drawer = Drawer::default();
    let desk = Desk::new(|_| retry(Duration::from_secs(60)));
    let consumer = Running::start(&server, &desk, &drawer).await;
    server.publish(&events(1)).await;
    until("it is parked", async || drawer.parked().len() == 1).await;
    drawer.parked.lock().unwrap()[0].delivery.attempt = 8;
    consumer.advance_clock(Duration::from_secs(60));
    assert_eq!(letters(&server, 1).await, [("attempts_exhausted".to_owned(), "9".to_owned())]);
    until("it is not kept any longer", async || drawer.parked().is_empty()).await;
    consumer.stop().await;
    assert_eq!(desk.begun().len(), 1);
}

#[tokio::test]
async fn an_outage_pauses_the_consumer_and_costs_no_attempt() {
    let server = Server::start().await;
    server.shorten_ack_wait().await;
    let desk = Desk::content();
    desk.away.store(true, SeqCst);
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    server.publish(&events(50)).await;
    consumer.is(ConsumerState::Paused).await;
    consumer.is_away_for_long(5).await;
    assert!(consumer.metrics.snapshot().last_error.unwrap().contains("the desk is away"));

    desk.away.store(false, SeqCst);
    desk.has_answered(50).await;
    consumer.is(ConsumerState::Running).await;
    consumer.stop().await;
    assert!(desk.begun().iter().all(|(_, attempt)| *attempt == 1), "{:?}", desk.begun());
    assert_eq!(server.ack_pending().await, 0);
}

#[tokio::test]
async fn what_cannot_be_parked_is_not_acknowledged_and_waits() {
    let server = Server::start().await;
    server.shorten_ack_wait().await;
    let desk = Desk::new(|_| retry(Duration::from_secs(3_600)));
    let drawer = Drawer::default();
    drawer.stuck.store(true, SeqCst);
    let consumer = Running::start(&server, &desk, &drawer).await;
    server.publish(&events(3)).await;
    consumer.is(ConsumerState::Paused).await;
    consumer.is_away_for_long(6).await;
    let waiting = server.ack_pending().await;
    assert_eq!(waiting, desk.begun().len());

    drawer.stuck.store(false, SeqCst);
    until("all are parked", async || drawer.parked().len() == 3).await;
    consumer.stop().await;
    assert!(desk.begun().iter().all(|(_, attempt)| *attempt == 1), "{:?}", desk.begun());
    assert_eq!(server.ack_pending().await, 0);
}

#[tokio::test]
async fn an_outage_costs_a_parked_message_no_attempt() {
    let server = Server::start().await;
    let desk =
        Desk::new(|delivery| if delivery.attempt == 1 { retry(Duration::from_secs(60)) } else { Disposition::Done });
    let drawer = Drawer::default();
    let consumer = Running::start(&server, &desk, &drawer).await;
    server.publish(&events(1)).await;
    until("it is parked", async || drawer.parked().len() == 1).await;
    desk.away.store(true, SeqCst);
    consumer.advance_clock(Duration::from_secs(60));
    until("it is tried again and again", async || consumer.metrics.snapshot().outages >= 4).await;
    desk.away.store(false, SeqCst);
    desk.has_answered(2).await;
    consumer.stop().await;
    assert_eq!(desk.begun().iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2]);
    assert!(drawer.parked().is_empty());
}

#[tokio::test]
async fn a_stop_during_an_outage_hands_everything_back() {
    let server = Server::start().await;
    let desk = Desk::content();
    desk.away.store(true, SeqCst);
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    server.publish(&events(50)).await;
    consumer.is(ConsumerState::Paused).await;
    consumer.stop().await;

    desk.away.store(false, SeqCst);
    let successor = Running::start(&server, &desk, &Drawer::default()).await;
    desk.has_answered(50).await;
    successor.stop().await;
}
