use integration::eventually::eventually;
use messaging::{DeadLetterReason, Disposition, metrics::ConsumerState, topology::DEAD_LETTERS};

use super::{
    desk::{Desk, Drawer, Running, body},
    fixture::{ACK_WAIT, Server, events, ids},
};

#[tokio::test]
async fn everything_is_handled_once_and_acknowledged() {
    let server = Server::start().await;
    let desk = Desk::content();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    server.publish(&events(1_200)).await;
    desk.has_answered(1_200).await;
    consumer.is(ConsumerState::Running).await;
    consumer.stop().await;
    assert_eq!(server.ack_pending().await, 0);
    let mut begun = desk.begun();
    begun.sort();
    begun.dedup();
    assert_eq!((begun.len(), desk.answered().len()), (1_200, 1_200));
}

#[tokio::test]
async fn a_poison_message_is_a_dead_letter_alone() {
    let server = Server::start().await;
    let desk = Desk::new(|delivery| {
        if body(delivery).contains("poison") {
            Disposition::Reject { reason: DeadLetterReason::Malformed, error: "not\nJSON".to_owned() }
        } else {
            Disposition::Done
        }
    });
    let mut messages = events(100);
    messages[41].body = "poison \u{0} \r\n \u{1f4a3}".into();
    messages[41].traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    server.publish(&messages).await;
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    desk.has_answered(100).await;
    consumer.stop().await;
    assert_eq!((server.ack_pending().await, desk.answered().len()), (0, 100));

    let letters = server.stored(DEAD_LETTERS).await;
    let letter = &letters[0];
    assert_eq!(letters.len(), 1);
    assert_eq!(letter.payload, messages[41].body);
    assert_eq!(letter.subject.as_str(), "dead_letters.notification-svc.malformed");
    let header = |name: &str| letter.headers.get(name).unwrap().to_string();
    assert_eq!(header("traceparent"), messages[41].traceparent.clone().unwrap());
    assert_eq!(header("Dlq-Original-Nats-Msg-Id"), ids(&messages)[41]);
    assert_eq!(header("Dlq-Original-Nats-Expected-Last-Sequence"), "41");
    assert_eq!(header("Dlq-Reason"), "malformed");
    assert_eq!(header("Dlq-Error"), "not JSON");
    assert_eq!(header("Dlq-Attempts"), "1");
    assert_eq!(header("Dlq-Stream"), "TRANSACTIONS");
    assert_eq!(header("Dlq-Sequence"), "42");
    assert_eq!(header("Dlq-Subject"), "transactions.v1.posted.07");
    assert_eq!(header("Dlq-Consumer"), "notification-svc");
    assert_eq!(header("Dlq-Version"), "1.2.3");
    assert!(header("Dlq-First-Failed").ends_with('Z'));
}

#[tokio::test]
async fn a_message_stays_while_its_dead_letter_cannot_be_kept() {
    let server = Server::start().await;
    server.administrator().await.delete_stream(DEAD_LETTERS).await.unwrap();
    let desk = Desk::new(|_| Disposition::Reject { reason: DeadLetterReason::Malformed, error: String::new() });
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    server.publish(&events(1)).await;
    eventually("the failure is told", async || {
        let now = consumer.metrics.snapshot();
        anyhow::ensure!(now.last_error.is_some() && now.returned == 1, "{now:?}");
        Ok(())
    })
    .await;
    assert_eq!(server.ack_pending().await, 1);
    consumer.stop().await;
}

#[tokio::test]
async fn a_long_batch_is_kept_alive() {
    let server = Server::start().await;
    server.shorten_ack_wait().await;
    let desk = Desk::content().held_up();
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    let another_desk = Desk::content();
    server.publish(&events(1)).await;
    desk.has_begun(1).await;

    let another = Running::start(&server, &another_desk, &Drawer::default()).await;
    // Only time can show that nothing happens in it.
    tokio::time::sleep(2 * ACK_WAIT).await;
    desk.permits.add_permits(1);
    desk.has_answered(1).await;
    consumer.stop().await;
    another.stop().await;
    assert_eq!(another_desk.begun(), []);
    assert_eq!(server.ack_pending().await, 0);
}

#[tokio::test]
async fn a_stop_finishes_the_batch_in_hand_and_leaves_the_rest() {
    let server = Server::start().await;
    let desk = Desk::content().held_up();
    server.publish(&events(900)).await;
    let consumer = Running::start(&server, &desk, &Drawer::default()).await;
    desk.has_begun(1).await;
    consumer.begin_to_stop();
    let in_hand = desk.begun().len();
    assert_eq!(server.ack_pending().await, in_hand);
    desk.permits.add_permits(1);
    consumer.stop().await;
    assert_eq!((desk.answered().len(), server.ack_pending().await), (in_hand, 0));

    let successor_desk = Desk::content();
    let successor = Running::start(&server, &successor_desk, &Drawer::default()).await;
    successor_desk.has_answered(900 - in_hand).await;
    successor.stop().await;
    assert!(successor_desk.begun().iter().all(|(_, attempt)| *attempt == 1));
    assert_eq!(server.ack_pending().await, 0);
}
