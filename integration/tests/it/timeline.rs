//! The life of a transaction: whole, in order, for those who may read it, and for others not there.

use anyhow::ensure;
use client::{Error, NewTransaction, NewWebhookEndpoint};
use contract::{
    Currency, EventKind, TransactionId, WebhookEndpointId,
    timeline::{Step, Timeline, TimelineStep},
    webhook::AttemptOutcome,
};
use integration::{
    eventually::eventually,
    people::{Person, cents, fresh_key},
    receivers::{Manner, Receiver},
    stack::{platform::Layout, service::ServiceKind},
};

use crate::stage::{Stage, TRANSACTIONS};

/// The steps of a timeline about one type of events, each as a word.
fn words(timeline: &Timeline, kind: EventKind) -> Vec<&'static str> {
    let of_kind = timeline.steps.iter().filter(|step| step.r#type == Some(kind));
    of_kind.map(|step| word(&step.step)).collect()
}

fn word(step: &Step) -> &'static str {
    match step {
        Step::Accepted => "accepted",
        Step::Committed => "committed",
        Step::Published { .. } => "published",
        Step::Attempted { attempt, .. } if attempt.outcome == AttemptOutcome::Delivered => "delivered",
        Step::Attempted { .. } => "failed",
        Step::Notified { .. } => "notified",
    }
}

async fn until(person: &Person, id: TransactionId, what: &str, holds: impl Fn(&Timeline) -> bool) -> Timeline {
    eventually(what, async || {
        let timeline = person.ledger.timeline(id).await?;
        ensure!(holds(&timeline), "{timeline:#?}");
        Ok(timeline)
    })
    .await
}

/// A stage with a shop that is told of refunds and does not want to hear of them.
async fn stage_with_a_failing_shop() -> (Stage, Receiver, WebhookEndpointId) {
    let receiver = Receiver::start().await.unwrap();
    receiver.behave(Manner::Status(500));
    let allowed = (ServiceKind::Transaction, "WEBHOOKS__ALLOWED_ADDRESSES", receiver.address.to_string());
    let stage = Stage::laid_out(&Layout { settings: vec![allowed], ..Layout::default() }).await;
    let event_types = Some(vec![EventKind::TransactionRefunded]);
    let shop = NewWebhookEndpoint { event_types, ..NewWebhookEndpoint::new(receiver.url()) };
    let shop = stage.bank.office.ledger.create_webhook_endpoint(&shop).await.unwrap().id;
    (stage, receiver, shop)
}

#[tokio::test]
async fn a_hold_its_capture_and_a_refund_are_told_step_by_step_in_the_order_of_time() {
    let (stage, _receiver, shop) = stage_with_a_failing_shop().await;
    let [alice, bob] = ["alice", "bob"].map(|name| stage.platform.person(name).unwrap());
    let office = &stage.bank.office;
    let held = NewTransaction::new(stage.alice, stage.bob, cents(500), Currency::EUR).held(None);
    let id = alice.ledger.create(&fresh_key(), &held).await.unwrap().id;
    // Neither of the two ways waits for the other.
    let is_told = |timeline: &Timeline, kind| {
        let mut told = words(timeline, kind);
        told.sort_unstable();
        told == ["accepted", "committed", "delivered", "published"]
    };
    until(&alice, id, "the hold is told both ways", |all| is_told(all, EventKind::TransactionPending)).await;
    bob.ledger.capture(&fresh_key(), id, None).await.unwrap();
    until(&bob, id, "the capture is, too", |all| is_told(all, EventKind::TransactionPosted)).await;
    let refunded = bob.ledger.refund(&fresh_key(), id, Some(cents(200))).await.unwrap();

    let failed = |step: &TimelineStep| matches!(&step.step, Step::Attempted { attempt, .. } if attempt.error.is_some());
    let has_ended =
        |step: &TimelineStep| !matches!(&step.step, Step::Attempted { attempt, .. } if attempt.finished_at.is_none());
    let whole = until(office, id, "the shop refuses to hear of the refund", |all| {
        let told = words(all, EventKind::TransactionRefunded);
        told.len() == 5 && all.steps.iter().any(failed) && all.steps.iter().all(has_ended)
    })
    .await;
    assert!(whole.complete && whole.transaction == id, "{whole:#?}");
    assert!(whole.steps.is_sorted_by_key(|step| step.at), "one machine has one clock: {whole:#?}");
    let kinds = [EventKind::TransactionPending, EventKind::TransactionPosted, EventKind::TransactionRefunded];
    for kind in kinds {
        assert_eq!(words(&whole, kind)[..2], ["accepted", "committed"], "{kind:?}");
    }
    let committed = whole.steps.iter().filter(|step| step.step == Step::Committed).map(|step| step.at);
    let transaction = alice.ledger.transaction(id).await.unwrap();
    let moments: Vec<_> = committed.collect();
    assert_eq!((moments[0], moments[2]), (transaction.created_at, transaction.updated_at));
    assert_eq!(moments[2], refunded.created_at);
    let sequences: Vec<_> = whole.steps.iter().filter_map(sequence).collect();
    assert!(sequences.len() == 3 && sequences.is_sorted() && sequences[0] > 0, "{sequences:?}");

    // The parties are told what concerns them, and nothing of the shop.
    let endpoints = |timeline: &Timeline| {
        timeline.steps.iter().filter_map(|step| Some((endpoint(step)?, step.event_id))).collect::<Vec<_>>()
    };
    let seen = bob.ledger.timeline(id).await.unwrap();
    assert_eq!(seen, alice.ledger.timeline(id).await.unwrap());
    assert_eq!(endpoints(&seen).len(), 3);
    assert!(endpoints(&seen).iter().all(|((id, configured), _)| *configured && *id != shop), "{seen:#?}");
    assert!(endpoints(&whole).iter().any(|((id, configured), _)| !configured && *id == shop), "{whole:#?}");
    assert!(!seen.steps.iter().any(failed));
    let mallory = stage.platform.person("mallory").unwrap();
    let Err(Error::Problem(problem)) = mallory.ledger.timeline(id).await else { panic!("mallory sees it") };
    assert_eq!((problem.status, problem.code.as_str()), (404, "not_found"));
}

fn sequence(step: &TimelineStep) -> Option<i64> {
    let Step::Published { stream_sequence } = step.step else { return None };
    Some(stream_sequence)
}

fn endpoint(step: &TimelineStep) -> Option<(WebhookEndpointId, bool)> {
    let Step::Attempted { endpoint_id, configured, .. } = &step.step else { return None };
    Some((*endpoint_id, *configured))
}

#[tokio::test]
async fn what_is_published_again_or_forgotten_is_told_so() {
    let stage = Stage::with(1).await;
    let alice = stage.platform.person("alice").unwrap();
    let id = alice.pay(stage.alice, stage.bob, cents(1)).await.unwrap().id;
    let kind = EventKind::TransactionPosted;
    until(&alice, id, "the payment is told both ways", |all| words(all, kind).len() == 4).await;

    // As retention leaves it once the journal's month and the ways are gone.
    let forget = "DELETE FROM transactions.publications; DELETE FROM transactions.webhook_attempts;
                  DELETE FROM transactions.events";
    sqlx::raw_sql(forget).execute(stage.database()).await.unwrap();
    let Timeline { steps, complete, .. } = alice.ledger.timeline(id).await.unwrap();
    let [TimelineStep { r#type: None, step: Step::Committed, .. }] = &steps[..] else { panic!("{steps:?}") };
    assert!(complete);

    let nothing = format!("{TRANSACTIONS}/txn_01kaj9g1p7e09b7qprw0000000/timeline");
    stage.wire("alice").get(&nothing).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_transaction_with_more_events_than_are_shown_says_so() {
    const REFUNDS: i64 = 120;
    let stage = Stage::with(1).await;
    let office = &stage.bank.office;
    let id = office.pay(stage.alice, stage.bob, cents(REFUNDS)).await.unwrap().id;
    for _ in 0..REFUNDS {
        office.ledger.refund(&fresh_key(), id, Some(cents(1))).await.unwrap();
    }
    let timeline = office.ledger.timeline(id).await.unwrap();
    let committed = timeline.steps.iter().filter(|step| step.step == Step::Committed).count();
    assert_eq!((committed, timeline.complete), (100, false));
}
