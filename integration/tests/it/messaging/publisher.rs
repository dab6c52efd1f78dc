use messaging::connect::is_connected;
use messaging::{
    OutgoingMessage, Publisher, Role, TopologySettings,
    publisher::{Acknowledgement, Stored, WindowEnd, WindowOutcome},
    topology,
};

use super::fixture::{Server, event, events, ids, small, until};

fn sequences(outcome: &WindowOutcome) -> Vec<u64> {
    outcome.acknowledged.iter().map(|one| one.sequence).collect()
}

#[tokio::test]
async fn more_than_a_window_is_stored_in_order() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    let messages = events(1_000);
    let outcome = publisher.publish_in_order(&messages, 0).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    assert_eq!(sequences(&outcome), (1..=1_000).collect::<Vec<_>>());
    assert_eq!(server.stored_ids().await, ids(&messages));
    assert_eq!(publisher.stream_state().await.unwrap().last_sequence, 1_000);
}

#[tokio::test]
async fn an_event_is_stored_as_it_was_given() {
    let server = Server::start().await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let message = OutgoingMessage { traceparent: Some(traceparent.to_owned()), ..event(1, "{ \"a\" :  1 }\n") };
    server.publish(std::slice::from_ref(&message)).await;
    let stored = &server.stored("TRANSACTIONS").await[0];
    assert_eq!(stored.payload, message.body);
    assert_eq!(stored.subject.as_str(), "transactions.v1.posted.07");
    assert_eq!(stored.headers.get("traceparent").unwrap().as_str(), traceparent);
}

#[tokio::test]
async fn nothing_is_stored_after_a_wrong_last_sequence() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    for expected in [1, 7] {
        let outcome = publisher.publish_in_order(&events(5), expected).await;
        assert!(matches!(outcome.end, WindowEnd::WrongLastSequence), "{outcome:?}");
        assert_eq!(outcome.acknowledged, []);
    }
    assert_eq!(publisher.stream_state().await.unwrap().last_sequence, 0);
}

#[tokio::test]
async fn a_duplicate_is_acknowledged_and_the_window_ends_behind_it() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    let messages = events(5);
    publisher.publish_in_order(&messages[..2], 0).await;

    let outcome = publisher.publish_in_order(&messages, 2).await;
    assert!(matches!(outcome.end, WindowEnd::DuplicateInWindow), "{outcome:?}");
    assert_eq!(outcome.acknowledged, [Acknowledgement { sequence: 1, duplicate: true }]);
    let outcome = publisher.publish_in_order(&messages[1..2], 2).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    assert_eq!(outcome.acknowledged, [Acknowledgement { sequence: 2, duplicate: true }]);

    let outcome = publisher.publish_in_order(&messages[2..], 2).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    assert_eq!(server.stored_ids().await, ids(&messages));
}

#[tokio::test]
async fn what_is_published_at_once_is_stored_together_or_not_at_all() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    let messages = events(300);
    let outcome = publisher.publish_at_once(&messages, 0).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    assert_eq!(sequences(&outcome), (1..=256).collect::<Vec<_>>());

    let outcome = publisher.publish_at_once(&messages[256..], 255).await;
    assert!(matches!(outcome.end, WindowEnd::WrongLastSequence), "{outcome:?}");
    let outcome = publisher.publish_at_once(&messages[255..], 256).await;
    assert!(matches!(outcome.end, WindowEnd::DuplicateInWindow), "{outcome:?}");
    assert_eq!(publisher.stream_state().await.unwrap().last_sequence, 256);

    for rest in [&messages[256..257], &messages[257..]] {
        let last = publisher.stream_state().await.unwrap().last_sequence;
        let outcome = publisher.publish_at_once(rest, last).await;
        assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    }
    assert_eq!(server.stored_ids().await, ids(&messages));
}

#[tokio::test]
async fn what_is_too_large_is_left_out_of_what_is_published_at_once() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    let mut messages = events(4);
    messages[2].body = vec![b'x'; 100_000].into();
    assert_eq!(sequences(&publisher.publish_at_once(&messages, 0).await), [1, 2]);
    let outcome = publisher.publish_at_once(&messages[2..], 2).await;
    assert!(matches!(outcome.end, WindowEnd::Refused { index: 0, permanent: true, .. }), "{outcome:?}");
}

#[tokio::test]
async fn what_was_stored_and_not_recorded_is_read_back() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    assert_eq!(publisher.stored_after(0).await.unwrap(), []);
    let messages = events(1_500);
    publisher.publish_in_order(&messages, 0).await;

    let mut found = Vec::new();
    loop {
        let after = found.last().map_or(100, |stored: &Stored| stored.sequence);
        let next = publisher.stored_after(after).await.unwrap();
        if next.is_empty() {
            break;
        }
        found.extend(next);
    }
    let expected = messages.iter().zip(1..).map(|(message, sequence)| (sequence, message.id));
    let found: Vec<_> = found.into_iter().map(|stored| (stored.sequence, stored.id)).collect();
    assert_eq!(found, expected.skip(100).collect::<Vec<_>>());
    assert_eq!(publisher.stored_after(2_000).await.unwrap(), []);
}

#[tokio::test]
async fn a_nearly_full_stream_keeps_the_order_and_goes_on_when_there_is_room() {
    let server = Server::bare().await;
    let provisioner = server.client(Role::Provisioner).await;
    let tight = TopologySettings { transactions_max_bytes: 20_000, ..small() };
    topology::ensure(&provisioner, &tight).await.unwrap();
    let publisher = server.publisher().await;
    let mut messages = events(5);
    messages[2].body = vec![b'x'; 30_000].into();

    let outcome = publisher.publish_at_once(&messages, 0).await;
    assert!(matches!(outcome.end, WindowEnd::Refused { index: 0, permanent: false, .. }), "{outcome:?}");
    let outcome = publisher.publish_in_order(&messages, 0).await;
    assert_eq!(sequences(&outcome), [1, 2]);
    assert!(matches!(outcome.end, WindowEnd::Refused { index: 2, permanent: false, .. }), "{outcome:?}");
    assert_eq!(server.stored_ids().await, ids(&messages[..2]));

    topology::ensure(&provisioner, &small()).await.unwrap();
    let outcome = publisher.publish_in_order(&messages[2..], 2).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    assert_eq!(server.stored_ids().await, ids(&messages));
}

#[tokio::test]
async fn an_event_too_large_is_refused_for_good() {
    let server = Server::start().await;
    let publisher = server.publisher().await;
    // Beyond the stream's limit, and beyond the server's.
    for (expected, bytes) in [(0, 100_000), (1, 2_000_000)] {
        let messages =
            [event(expected + 1, "{}"), event(100 + expected, vec![b'x'; bytes]), event(200 + expected, "{}")];
        let outcome = publisher.publish_in_order(&messages, expected).await;
        assert_eq!(sequences(&outcome), [expected + 1]);
        assert!(matches!(outcome.end, WindowEnd::Refused { index: 1, permanent: true, .. }), "{outcome:?}");
    }
    assert_eq!(publisher.stream_state().await.unwrap().last_sequence, 2);
}

#[tokio::test]
async fn without_a_stream_events_are_refused_for_now() {
    let server = Server::bare().await;
    let publisher = server.publisher().await;
    let outcome = publisher.publish_in_order(&events(3), 0).await;
    assert!(matches!(outcome.end, WindowEnd::Refused { index: 0, permanent: false, .. }), "{outcome:?}");
    assert!(publisher.stream_state().await.is_err());
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent_then_or_later() {
    let server = Server::start().await;
    let client = server.client(Role::TransactionSvc).await;
    let publisher = Publisher::new(client.clone());
    server.process.kill().await.unwrap();
    until("the loss is noticed", async || !is_connected(&client)).await;

    let outcome = publisher.publish_in_order(&events(3), 0).await;
    assert!(matches!(outcome.end, WindowEnd::Unknown { .. }), "{outcome:?}");
    assert!(publisher.stream_state().await.is_err());

    server.process.start().await.unwrap();
    until("the client is back", async || is_connected(&client)).await;
    client.flush().await.unwrap();
    assert_eq!(publisher.stream_state().await.unwrap().last_sequence, 0);
    let outcome = publisher.publish_in_order(&events(3), 0).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
}
