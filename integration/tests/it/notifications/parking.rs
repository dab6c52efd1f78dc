//! Messages that wait in Postgres for their next attempt.

use bytes::Bytes;
use contract::timestamp;
use messaging::{Delivery, HeaderMap, ParkedMessage, Parking};
use notification_svc::store::parked_messages::ParkedMessages;
use time::{Duration, OffsetDateTime, macros::datetime};

use super::fixture::Store;

const NOW: OffsetDateTime = datetime!(2026-11-23 06:15:37.123456 UTC);

fn message(sequence: u64, due: OffsetDateTime) -> ParkedMessage {
    let mut headers = HeaderMap::new();
    headers.append("Nats-Msg-Id", "evt_1");
    headers.append("Twice", "a");
    headers.append("Twice", "b");
    let delivery = Delivery {
        stream: "TRANSACTIONS".to_owned(),
        sequence,
        subject: "transactions.v1.posted.07".to_owned(),
        headers,
        body: Bytes::from_static(b"not an event\0\xff"),
        published: NOW - Duration::HOUR,
        attempt: 3,
    };
    ParkedMessage { delivery, first_failed: NOW - Duration::MINUTE, due, error: "it failed".to_owned() }
}

/// Everything that is kept of a message.
fn kept(message: &ParkedMessage) -> impl PartialEq + std::fmt::Debug {
    let ParkedMessage { delivery, first_failed, due, error } = message.clone();
    let Delivery { stream, sequence, subject, headers, body, published, attempt } = delivery;
    let times = [first_failed, due, published].map(timestamp::text);
    (stream, sequence, subject, headers, body, times, attempt, error)
}

#[tokio::test]
async fn a_parked_message_comes_back_as_it_was_with_one_attempt_more() {
    let store = Store::empty().await;
    let parked = ParkedMessages::new(store.pool.clone());
    parked.park(&message(7, NOW)).await.unwrap();
    let until = NOW + Duration::MINUTE;
    let mut expected = message(7, until);
    expected.delivery.attempt = 4;
    let taken = parked.take_due(NOW, until).await.unwrap().unwrap();
    assert_eq!(kept(&taken), kept(&expected));
}

#[tokio::test]
async fn the_longest_due_is_taken_first_and_nobody_else_gets_it_meanwhile() {
    let store = Store::empty().await;
    let parked = ParkedMessages::new(store.pool.clone());
    for (sequence, due) in [(7, NOW), (8, NOW - Duration::SECOND), (9, NOW + Duration::SECOND)] {
        parked.park(&message(sequence, due)).await.unwrap();
        parked.park(&message(sequence, due + Duration::HOUR)).await.unwrap();
    }
    let until = NOW + Duration::MINUTE;
    let mut taken = Vec::new();
    while let Some(message) = parked.take_due(NOW, until).await.unwrap() {
        taken.push(message);
    }
    assert_eq!(taken.iter().map(|message| message.delivery.sequence).collect::<Vec<_>>(), [8, 7]);

    parked.unpark(&taken[0]).await.unwrap();
    let again = ParkedMessage { due: NOW, error: "it failed again".to_owned(), ..taken[1].clone() };
    parked.reschedule(&again).await.unwrap();
    let taken = parked.take_due(NOW, until).await.unwrap().unwrap();
    assert_eq!((taken.delivery.sequence, taken.delivery.attempt, taken.error.as_str()), (7, 5, "it failed again"));
    assert!(parked.take_due(NOW, until).await.unwrap().is_none());
}
