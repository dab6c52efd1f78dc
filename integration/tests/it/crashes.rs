//! Sudden death, of everything, at any moment and at the worst ones: afterwards nothing that was acknowledged is lost,
//! nothing was done twice, and everybody was notified once.

use anyhow::ensure;
use integration::{
    eventually::eventually,
    history::{
        check::InboxOrder,
        record::Load,
        told::{History, Outcome},
    },
    stack::{backing::Backing, platform::Layout},
};

use crate::trial::{Trial, metric, restart_with_fault};

/// Whether some payment had no answer first and was then told, as news or as a repetition.
fn was_told_after_silence(history: &History, replayed: bool) -> bool {
    history.payments.iter().any(|payment| {
        let first = payment.attempts.first().map(|attempt| &attempt.outcome);
        let told = payment.answers().next().map(|(_, answer)| answer.replayed);
        matches!(first, Some(Outcome::NoAnswer)) && told == Some(replayed)
    })
}

/// How many answers have been stored for so long.
async fn stored_answers(trial: &Trial, age: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM transactions.stored_answers WHERE created_at < clock_timestamp() - $1::interval",
    )
    .bind(age)
    .fetch_one(trial.database())
    .await
}

#[tokio::test]
async fn a_ledger_that_is_killed_again_and_again_keeps_its_word() {
    let trial = Trial::start().await;
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
    let trial = Trial::start().await;
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
            trial.clients.told(20).await.unwrap();
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
    let load = Load { clients: 1, ..Load::default() };
    let trial = Trial::of(Backing::cloned().await.unwrap(), &Layout::default(), load).await;
    restart_with_fault(trial.ledger(), "writer::after_commit=15*off->1*pause").await;
    let before = stored_answers(&trial, "0 s").await.unwrap();
    let history = trial
        .under_load(async {
            eventually("an answer is on the books and its client does not know it", async || {
                let stored = stored_answers(&trial, "300 ms").await? - before;
                let told = trial.clients.told_so_far();
                ensure!(stored > i64::try_from(told)?, "{stored} answers were stored, {told} told");
                Ok(())
            })
            .await;
            trial.ledger().kill().await.unwrap();
            trial.ledger().start().await.unwrap();
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::OfTheStream).await;
    assert!(was_told_after_silence(&history, true), "no answer was lost after its commit");
}

#[tokio::test]
async fn a_payment_that_died_before_its_commit_is_made_by_its_key() {
    let trial = Trial::start().await;
    restart_with_fault(trial.ledger(), "writer::before_commit=15*off->1*pause").await;
    let history = trial
        .under_load(async {
            trial.a_transaction_hangs().await;
            trial.ledger().kill().await.unwrap();
            trial.ledger().start().await.unwrap();
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::OfTheStream).await;
    assert!(was_told_after_silence(&history, false), "no payment was lost before its commit");
}

#[tokio::test]
async fn notifications_that_were_stored_and_not_yet_acknowledged_are_not_made_again() {
    let trial = Trial::start().await;
    restart_with_fault(trial.inbox(), "consumer::ingested=3*off->1*pause").await;
    let history = trial
        .under_load(async {
            eventually("the stream goes on and the consumer does not", async || {
                let (received, stands_still): (i64, bool) = sqlx::query_as(
                    "SELECT count(*), max(received_at) < clock_timestamp() - interval '300 ms' FROM notifications.received_events",
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
                trial.nats().kill().await.unwrap();
                trial.clients.told(60).await.unwrap();
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
