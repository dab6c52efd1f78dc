use std::time::Duration;

use async_nats::jetstream::stream::{Config, StorageType};
use contract::EventKind;
use messaging::{
    Role, Subject,
    topology::{self, DURABLES, NOTIFICATIONS, TRANSACTIONS, TopologyError},
};
use uuid::Uuid;

use super::fixture::{Server, events, small};

/// Which field differs.
fn field(outcome: Result<(), TopologyError>) -> String {
    let Err(TopologyError::Differs { what, field, .. }) = outcome else {
        return format!("{outcome:?}");
    };
    format!("{field} of {what}")
}

#[tokio::test]
async fn ensuring_twice_changes_nothing_and_services_find_what_they_need() {
    let server = Server::start().await;
    server.publish(&events(3)).await;

    let provisioner = server.client(Role::Provisioner).await;
    topology::ensure(&provisioner, &small()).await.unwrap();

    assert_eq!(server.publisher().await.stream_state().await.unwrap().last_sequence, 3);
    topology::check_publisher(&server.client(Role::TransactionSvc).await).await.unwrap();
    for durable in DURABLES {
        topology::check_consumer(&server.client(Role::NotificationSvc).await, durable).await.unwrap();
    }
}

#[tokio::test]
async fn every_kind_of_event_is_captured() {
    let server = Server::start().await;
    let kinds = EventKind::ALL.iter().zip(events(EventKind::ALL.len() as u64));
    let messages: Vec<_> = kinds
        .map(|(kind, mut message)| {
            message.subject = Subject::of(*kind, Uuid::from_u128(63));
            message
        })
        .collect();
    server.publish(&messages).await;
    assert_eq!(server.stored_ids().await.len(), EventKind::ALL.len());
}

#[tokio::test]
async fn what_was_changed_by_hand_is_named_by_services_and_set_right_by_ensure() {
    let server = Server::start().await;
    let administrator = server.administrator().await;
    let mut stream = administrator.get_stream(TRANSACTIONS).await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    config.duplicate_window = Duration::from_secs(60);
    administrator.update_stream(config).await.unwrap();
    let mut consumer = stream.consumer_info(NOTIFICATIONS.name).await.unwrap().config;
    consumer.max_deliver = 5;
    stream.update_consumer(consumer).await.unwrap();

    let publisher = server.client(Role::TransactionSvc).await;
    let consumer = server.client(Role::NotificationSvc).await;
    assert_eq!(field(topology::check_publisher(&publisher).await), "duplicate_window of stream TRANSACTIONS");
    assert_eq!(
        field(topology::check_consumer(&consumer, NOTIFICATIONS).await),
        "max_deliver of durable consumer notification-svc of stream TRANSACTIONS"
    );

    topology::ensure(&server.client(Role::Provisioner).await, &small()).await.unwrap();
    topology::check_publisher(&publisher).await.unwrap();
    topology::check_consumer(&consumer, NOTIFICATIONS).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_set_right_is_an_error() {
    let server = Server::bare().await;
    let wrong = Config { name: TRANSACTIONS.to_owned(), storage: StorageType::Memory, ..Config::default() };
    server.administrator().await.create_stream(wrong).await.unwrap();

    let outcome = topology::ensure(&server.client(Role::Provisioner).await, &small()).await;
    assert!(matches!(outcome, Err(TopologyError::Refused { what, .. }) if what == "stream TRANSACTIONS"));
}

#[tokio::test]
async fn a_missing_stream_is_named() {
    let server = Server::bare().await;
    let outcome = topology::check_publisher(&server.client(Role::TransactionSvc).await).await;
    assert!(matches!(outcome, Err(TopologyError::Refused { what, .. }) if what == "stream TRANSACTIONS"));
}
