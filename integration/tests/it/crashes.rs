//! Sudden death, of everything, at any moment and at the worst ones: afterwards nothing that was acknowledged is lost,
//! nothing was done twice, and everybody was notified once.

use anyhow::ensure;
use client::{Answer, NewTransaction};
use contract::{Currency, transaction::Transaction};
use integration::{
    eventually::eventually,
    history::{check::InboxOrder, record::Load, told::Outcome},
    people::{cents, fresh_key},
    stack::{backing::Backing, platform::Layout},
};
use rustix::process::Signal;
use tokio::join;
use uuid::Uuid;

use crate::trial::{Trial, metric, restart_with_fault};

/// The ledger dies of this fault with a payment in hand, once `is_reached` says so. Gives what the client is told who
/// asks again.
async fn told_after_death(trial: &Trial, fault: &str, is_reached: impl AsyncFnOnce()) -> Answer {
    let ada = trial.platform.person("ada").unwrap();
    let from = trial.platform.bank().await.unwrap().open_funded(&ada, cents(100)).await.unwrap().id;
    let to = ada.open_account().await.unwrap().id;
    let payment = NewTransaction {
        reference: Some("doomed".to_owned()),
        ..NewTransaction::new(from, to, cents(1), Currency::EUR)
    };
    restart_with_fault(trial.ledger(), fault).await;

    let key = fresh_key();
    let death = async {
        is_reached().await;
        trial.ledger().kill().await.unwrap();
    };
    let client = trial.platform.person("ada").unwrap();
    let (silence, ()) = join!(client.ledger.create_raw(&key, &payment), death);
    assert!(matches!(silence, Err(client::Error::NoAnswer(_))), "{silence:?}");
    trial.ledger().start().await.unwrap();
    trial.platform.person("ada").unwrap().ledger.create_raw(&key, &payment).await.unwrap()
}

#[tokio::test]
async fn a_ledger_that_is_killed_again_and_again_keeps_its_word() {
    let trial = Trial::over_jetstream_alone().await;
    let history = trial
        .under_load(async {
            for _ in 0..5 {
                trial.clients.told(40).await.unwrap();
                trial.ledger().kill().await.unwrap();
                trial.ledger().start().await.unwrap();
            }
        })
        .await;
    assert!(history.outcomes().any(|outcome| matches!(outcome, Outcome::NoAnswer)), "nobody noticed");
    trial.assert_promise_kept(&history, InboxOrder::OfTheStream).await;
}

#[tokio::test]
async fn a_notification_service_that_is_killed_again_and_again_notifies_once() {
    let trial = Trial::start().await;
    let history = trial
        .under_load(async {
            for _ in 0..3 {
                trial.clients.told(60).await.unwrap();
                trial.inbox().kill().await.unwrap();
                trial.inbox().start().await.unwrap();
            }
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}

#[tokio::test]
async fn events_that_were_published_and_not_yet_noted_are_not_published_again() {
    let trial = Trial::over_jetstream_alone().await;
    restart_with_fault(trial.ledger(), "relay::acknowledged=pause").await;
    let history = trial
        .under_load(async {
            eventually("the stream is ahead of what the relay has noted", async || {
                let published = trial.evidence.published().await?.len();
                let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM transactions.outbox_relay")
                    .fetch_one(trial.database())
                    .await?;
                let journalled: i64 =
                    sqlx::query_scalar("SELECT count(*) FROM transactions.events").fetch_one(trial.database()).await?;
                ensure!(
                    i64::try_from(published)? > journalled - waiting,
                    "{published} of {journalled}, {waiting} wait"
                );
                Ok(())
            })
            .await;
            trial.ledger().kill().await.unwrap();
            trial.ledger().start().await.unwrap();
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::OfTheStream).await;
    let duplicates = metric(&trial.platform.transaction_svc[0], "relay_duplicates_total").await.unwrap();
    assert!(duplicates > 0.0, "the stream was never asked to recognise an event");
}

#[tokio::test]
async fn a_payment_whose_answer_died_with_the_ledger_is_told_by_its_key() {
    let trial = Trial::start().await;
    let doomed = "SELECT id FROM transactions.transactions WHERE reference = 'doomed'";
    let made = async || Ok(sqlx::query_scalar::<_, Uuid>(doomed).fetch_one(trial.database()).await?);
    let is_committed = async || {
        eventually("the payment is committed", made).await;
    };
    let told = told_after_death(&trial, "writer::after_commit=1*pause", is_committed).await;
    assert_eq!((told.status, told.replayed), (201, true));
    let transaction: Transaction = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(transaction.id.uuid(), made().await.unwrap());
    trial.assert_books_in_order().await;
}

#[tokio::test]
async fn a_payment_that_died_before_its_commit_is_made_by_its_key() {
    let trial = Trial::start().await;
    let hangs = async || trial.a_transaction_hangs().await;
    let told = told_after_death(&trial, "writer::before_commit=1*pause", hangs).await;
    assert_eq!((told.status, told.replayed), (201, false));
    trial.assert_books_in_order().await;
}

#[tokio::test]
async fn notifications_that_were_stored_and_not_yet_acknowledged_are_not_made_again() {
    let trial = Trial::over_jetstream_alone().await;
    restart_with_fault(trial.inbox(), "consumer::ingested=3*off->1*pause").await;
    let history = trial
        .under_load(async {
            eventually("the stream goes on and the consumer does not", async || {
                let (received, stands_still): (i64, bool) = sqlx::query_as(
                    "SELECT count(*), max(received_at) < clock_timestamp() - interval '300 ms'
                     FROM notifications.received_events",
                )
                .fetch_one(trial.database())
                .await?;
                let published = trial.evidence.published().await?.len();
                let hangs = stands_still && i64::try_from(published)? > received + 10;
                ensure!(hangs, "{received} of {published}: is notification-svc built with its fail points?");
                Ok(())
            })
            .await;
            trial.inbox().kill().await.unwrap();
            trial.inbox().start().await.unwrap();
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}

#[tokio::test]
async fn a_broker_that_is_killed_under_load_costs_nobody_anything() {
    let trial = Trial::start().await;
    let history = trial
        .under_load(async {
            for _ in 0..2 {
                trial.clients.told(60).await.unwrap();
                // What is published now is sent and never acknowledged.
                trial.nats().signal(Signal::STOP).unwrap();
                trial.clients.told(60).await.unwrap();
                trial.nats().kill().await.unwrap();
                trial.nats().start().await.unwrap();
            }
        })
        .await;
    assert!(
        history.outcomes().all(|outcome| matches!(outcome, Outcome::Told(_))),
        "a client noticed that NATS was away"
    );
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}

#[tokio::test]
async fn a_database_that_is_killed_under_load_comes_back_with_everything() {
    let trial = Trial::of(Backing::private().await.unwrap(), &Layout::default(), Load::default()).await;
    let postgres = trial.platform.backing.postgres.process.as_ref().unwrap();
    let pids = [trial.ledger().pid(), trial.inbox().pid()];
    let history = trial
        .under_load(async {
            for _ in 0..2 {
                trial.clients.told(60).await.unwrap();
                postgres.kill().await.unwrap();
                eventually("Postgres starts again once its backends are gone", async || postgres.start().await).await;
            }
        })
        .await;
    assert!(history.outcomes().any(|outcome| matches!(outcome, Outcome::TryAgain(_))), "nobody noticed");
    assert_eq!(pids, [trial.ledger().pid(), trial.inbox().pid()], "a service was started again");
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}
