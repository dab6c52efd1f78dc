//! What receivers do to a sender, and what it makes of it.

use std::collections::BTreeSet;

use anyhow::ensure;
use contract::webhook::{AttemptOutcome, DeliveryStatus, DisabledReason};
use integration::{eventually::eventually, receivers::Manner};
use serde_json::{Value, json};
use time::Duration;

use super::fixture::Scene;
use crate::trial::{metric, restart_with_fault};

#[tokio::test]
async fn what_happens_is_sent_signed_once_with_the_bytes_of_the_journal() {
    let scene = Scene::set().await;
    scene.pay(1).await;
    let (endpoint, secret) = scene.register(json!(["transaction.posted"])).await;
    scene.pay(20).await;
    scene.platform.person("ada").unwrap().open_account().await.unwrap();
    scene
        .until(endpoint, "everything is delivered", |all| {
            all.len() == 20 && all.iter().all(|one| one.status == DeliveryStatus::Delivered)
        })
        .await;

    let received = scene.receiver.received();
    let ids: BTreeSet<_> = received.iter().map(|one| one.id().to_owned()).collect();
    assert_eq!((received.len(), ids.len()), (20, 20), "only what came after the endpoint, and only what it wants");
    for request in &received {
        request.verify(std::slice::from_ref(&secret)).unwrap();
        assert!(request.header("traceparent").starts_with("00-"));
        let event: contract::EventId = request.id().parse().unwrap();
        let journalled: Vec<u8> = sqlx::query_scalar("SELECT body FROM transactions.events WHERE id = $1")
            .bind(event.uuid())
            .fetch_one(&scene.database)
            .await
            .unwrap();
        assert_eq!(request.body, journalled);
    }
    let delivery = &scene.deliveries(endpoint).await[0];
    let [attempt] = &delivery.attempts[..] else { panic!("{delivery:?}") };
    assert_eq!((attempt.number, attempt.outcome, attempt.response_status), (1, AttemptOutcome::Delivered, Some(200)));
}

#[tokio::test]
async fn what_the_journal_does_not_hold_any_more_is_given_up_with_the_reason_and_no_fault_of_the_receivers() {
    let scene = Scene::set().await;
    let (endpoint, _) = scene.register(Value::Null).await;
    // As if it had waited for an endpoint that was disabled for longer than the journal goes back.
    scene
        .sql(&format!(
            "INSERT INTO webhook_deliveries (id, endpoint_id, event_id, status)
             SELECT gen_random_uuid(), id, gen_random_uuid(), 'pending' FROM webhook_endpoints WHERE id = '{}';
             INSERT INTO webhook_queue (endpoint_id, due_at, delivery_id, event_id, attempts, failures)
             SELECT endpoint_id, now(), id, event_id, 0, 0 FROM webhook_deliveries",
            endpoint.uuid()
        ))
        .await;
    scene.until(endpoint, "it is given up", |all| all[0].status == DeliveryStatus::Failed).await;
    let delivery = scene.deliveries(endpoint).await.remove(0);
    let [attempt] = &delivery.attempts[..] else { panic!("{delivery:?}") };
    assert_eq!(attempt.outcome, AttemptOutcome::NotSent);
    assert_eq!(attempt.error.as_deref(), Some("the journal does not hold the event any more"));
    assert!(scene.receiver.received().is_empty());
    assert_eq!(scene.endpoint(endpoint).await.failing_since, None);
    let counted = "webhook_deliveries_total{outcome=\"event_is_gone\"}";
    assert_eq!(metric(&scene.platform.transaction_svc[0], counted).await.unwrap(), 1.0);
}

/// How the receiver behaves, what the attempt is called, and the shortest pause before the next one, in seconds.
const FAILURES: [(Manner, AttemptOutcome, i64); 5] = [
    (Manner::Status(500), AttemptOutcome::Refused, 5),
    (Manner::Redirect, AttemptOutcome::Refused, 5),
    (Manner::RetryAfter(503, 120), AttemptOutcome::Refused, 120),
    (Manner::RetryAfter(429, 600), AttemptOutcome::Refused, 600),
    (Manner::Flood, AttemptOutcome::Refused, 5),
];

#[tokio::test]
async fn a_failure_is_tried_again_by_the_schedule_or_when_the_receiver_asks() {
    for (manner, outcome, pause) in FAILURES {
        let scene = Scene::set().await;
        scene.receiver.behave(manner);
        let (endpoint, _) = scene.register(Value::Null).await;
        scene.pay(1).await;
        scene
            .until(endpoint, "an attempt fails", |all| {
                all[0].attempts.last().is_some_and(|attempt| attempt.finished_at.is_some())
            })
            .await;
        let delivery = scene.deliveries(endpoint).await.remove(0);
        let attempt = &delivery.attempts[0];
        let waits = delivery.next_attempt_at.unwrap() - attempt.finished_at.unwrap();
        assert_eq!((attempt.outcome, delivery.status), (outcome, DeliveryStatus::Pending), "{manner:?}");
        assert!(waits >= Duration::seconds(pause), "{manner:?}: {waits}");
        assert!(waits <= Duration::seconds(pause.max(6)), "{manner:?}: {waits}");
        assert!(attempt.error.as_ref().is_some_and(|error| error.len() < 700), "{attempt:?}");
        assert!(scene.receiver.flooded_bytes() < 16 << 20, "{} bytes were taken", scene.receiver.flooded_bytes());

        scene.receiver.behave(Manner::Status(204));
        scene.let_the_pause_end().await;
        scene.until(endpoint, "the next attempt succeeds", |all| all[0].status == DeliveryStatus::Delivered).await;
        assert_eq!(scene.receiver.received().len(), 2, "{manner:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_stalls_holds_up_nobody_and_is_given_up_at_the_deadline() {
    let scene = Scene::set().await;
    let (endpoint, _) = scene.register(Value::Null).await;
    for (sent, manner) in [(1, Manner::StallHead), (2, Manner::StallBody)] {
        scene.receiver.behave(manner);
        scene.pay(1).await;
        scene.received(sent).await;
    }
    scene.receiver.behave(Manner::Status(200));
    scene.pay(1).await;
    scene
        .until(endpoint, "a later event passes by", |all| {
            all.iter().filter(|one| one.status == DeliveryStatus::Delivered).count() == 1
        })
        .await;
    let timed_out = async || {
        let deliveries = scene.deliveries(endpoint).await;
        let attempts = deliveries.iter().flat_map(|one| &one.attempts);
        let timed_out = attempts.filter(|attempt| attempt.outcome == AttemptOutcome::TimedOut).count();
        ensure!(timed_out == 2, "{deliveries:#?}");
        Ok(())
    };
    integration::eventually::within(std::time::Duration::from_secs(60), "both are given up", timed_out).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_fails_for_five_days_is_sent_nothing_more_and_that_is_an_event() {
    let scene = Scene::set().await;
    for (manner, reason) in
        [(Manner::Status(410), DisabledReason::Gone), (Manner::Status(500), DisabledReason::Failing)]
    {
        scene.receiver.behave(Manner::Status(500));
        let (endpoint, _) = scene.register(json!(["transaction.posted"])).await;
        scene.pay(1).await;
        scene
            .until(endpoint, "the first attempt fails", |all| {
                all[0].next_attempt_at.is_some() && all[0].attempts.len() == 1
            })
            .await;
        let failing = async || {
            ensure!(scene.endpoint(endpoint).await.failing_since.is_some(), "not noted yet");
            Ok(())
        };
        eventually("the endpoint is failing", failing).await;
        assert!(scene.endpoint(endpoint).await.enabled);
        if reason == DisabledReason::Failing {
            scene.sql("UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days'").await;
        }
        scene.receiver.behave(manner);
        scene.let_the_pause_end().await;
        let disabled = async || {
            let endpoint = scene.endpoint(endpoint).await;
            ensure!(endpoint.disabled_reason == Some(reason), "{endpoint:?}");
            Ok(())
        };
        eventually("the endpoint is disabled", disabled).await;
        let events: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM transactions.events WHERE kind = 'webhook_endpoint.disabled' AND partition_key = $1",
        )
        .bind(endpoint.uuid())
        .fetch_one(&scene.database)
        .await
        .unwrap();
        assert_eq!(events, 1);
    }
}

#[tokio::test]
async fn a_deliverer_that_is_killed_with_requests_under_way_loses_none() {
    let scene = Scene::set().await;
    let (endpoint, _) = scene.register(Value::Null).await;
    let ledger = &scene.platform.transaction_svc[0].process;
    for fault in ["webhooks::leased=1*return", "webhooks::answered=1*return"] {
        restart_with_fault(ledger, fault).await;
        scene.pay(3).await;
        let begun = async || {
            let all = scene.deliveries(endpoint).await;
            ensure!(all.iter().any(|one| one.status == DeliveryStatus::Pending), "nothing waits: {all:?}");
            Ok(())
        };
        eventually("something is under way", begun).await;
        ledger.kill().await.unwrap();
        // So that nobody waits for the ends of leases.
        scene.sql("UPDATE webhook_queue SET leased_until = now()").await;
        ledger.start().await.unwrap();
        scene
            .until(endpoint, "everything is delivered", |all| {
                all.iter().all(|one| one.status == DeliveryStatus::Delivered)
            })
            .await;
    }
    let distinct: BTreeSet<_> = scene.receiver.received().iter().map(|request| request.id().to_owned()).collect();
    assert_eq!(distinct.len(), 6);
}

#[tokio::test]
async fn a_receiver_that_dies_while_it_acknowledges_is_told_again() {
    let scene = Scene::set().await;
    let (endpoint, _) = scene.register(Value::Null).await;
    scene.receiver.behave(Manner::HangUp);
    scene.pay(1).await;
    scene.received(1).await;
    scene.receiver.behave(Manner::Status(200));
    scene
        .until(endpoint, "the attempt is on the books", |all| {
            all[0].attempts.iter().any(|one| one.outcome != AttemptOutcome::Unknown)
        })
        .await;
    scene.let_the_pause_end().await;
    let told = scene.received(2).await;
    assert_eq!(told[0], told[1]);
    scene.until(endpoint, "it is delivered", |all| all[0].status == DeliveryStatus::Delivered).await;
}
