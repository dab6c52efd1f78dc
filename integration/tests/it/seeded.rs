//! The proof finds what it is there to find: bugs that break the promise, planted in services that run.

use std::time::Duration;

use anyhow::ensure;
use integration::{
    eventually::eventually,
    history::{
        check::{InboxOrder, check},
        told::History,
    },
    stack::process::Process,
};
use messaging::topology::TRANSACTIONS;
use rustix::process::Signal;
use sqlx::raw_sql;

use crate::{
    takeover::a_window_is_in_hand,
    trial::{Trial, leads, restart_with_fault},
};

/// A trial in which this process runs with this bug from the beginning of the load, and what clients saw while `story`
/// went on.
async fn lives_with(
    bug: &str,
    of: impl Fn(&Trial) -> &Process,
    prepare: &str,
    story: impl AsyncFnOnce(&Trial),
) -> (Trial, History) {
    let trial = Box::pin(Trial::start()).await;
    raw_sql(sqlx::AssertSqlSafe(prepare.to_owned())).execute(trial.database()).await.unwrap();
    restart_with_fault(of(&trial), bug).await;
    let history = trial.under_load(async { story(&trial).await }).await;
    (trial, history)
}

async fn assert_found(trial: &Trial, history: &History, rule: &str) {
    let violations = check(history, &trial.evidence, InboxOrder::Any).await.unwrap();
    let found = violations.iter().any(|violation| violation.rule == rule);
    assert!(found, "nobody found that not \"{rule}\", only {violations:?}");
}

#[tokio::test]
async fn an_answer_before_its_commit_is_found() {
    let bug = "writer::answers_before_commit=return;writer::before_commit=20*off->panic";
    let (trial, history) = lives_with(bug, Trial::ledger, "", async |trial| {
        trial.ledger().ended().await;
        trial.ledger().start().await.unwrap();
    })
    .await;
    assert_found(&trial, &history, "what was acknowledged is on the books").await;
}

#[tokio::test]
async fn an_event_that_is_dropped_is_found() {
    let bug = "relay::drops_an_event=20*off->1*return";
    let (trial, history) =
        lives_with(bug, Trial::ledger, "", async |trial| trial.clients.told(100).await.unwrap()).await;
    assert_found(&trial, &history, "every event is on the stream").await;
}

#[tokio::test]
async fn a_second_notification_is_found() {
    let unguarded = "ALTER TABLE notifications.notifications
                     DROP CONSTRAINT one_notification_per_event_and_recipient, DROP CONSTRAINT notifications_pkey";
    let bug = "ingest::notifies_twice=20*off->1*return";
    let (trial, history) =
        lives_with(bug, Trial::inbox, unguarded, async |trial| trial.clients.told(100).await.unwrap()).await;
    assert_found(&trial, &history, "nobody is notified twice").await;
}

#[tokio::test]
async fn an_account_whose_events_are_reordered_is_found() {
    let (trial, history) = lives_with("relay::reorders=return", Trial::ledger, "", async |trial| {
        trial.nats().stop().await.unwrap();
        trial.clients.told(50).await.unwrap();
        trial.nats().start().await.unwrap();
    })
    .await;
    assert_found(&trial, &history, "each account's events are on the stream in its order").await;
}

/// The server has read nothing of what it was sent, and dies.
#[tokio::test]
async fn silence_that_is_taken_for_an_acknowledgement_is_found() {
    let bug = "relay::takes_silence_for_yes=return";
    let (trial, history) = lives_with(bug, Trial::ledger, "", async |trial| {
        trial.clients.told(20).await.unwrap();
        trial.nats().signal(Signal::STOP).unwrap();
        eventually("events leave the outbox without NATS", async || {
            let (waiting, published): (i64, i64) = sqlx::query_as(
                "SELECT (SELECT count(*) FROM transactions.outbox_relay), (SELECT count(*) FROM transactions.events)",
            )
            .fetch_one(trial.database())
            .await?;
            ensure!(waiting < published / 2, "{waiting} of {published} events wait");
            Ok(())
        })
        .await;
        trial.nats().kill().await.unwrap();
        trial.nats().start().await.unwrap();
    })
    .await;
    assert_found(&trial, &history, "every event is on the stream").await;
}

/// A stream that no longer recognises what comes twice has only the fence to protect it.
#[tokio::test]
async fn a_leader_that_publishes_after_its_lease_is_found() {
    let trial = Trial::of_two_replicas().await;
    trial.evidence.at_rest().await.unwrap();
    let (first, second) = (&trial.platform.transaction_svc[0], &trial.platform.transaction_svc[1]);
    second.process.stop().await.unwrap();
    let bug =
        "relay::outstays_its_lease=return;relay::is_not_fenced=return;relay::before_publish=1*off->1*sleep(10000)";
    restart_with_fault(&first.process, bug).await;
    leads(first, true).await;
    forget_duplicates_at_once(&trial).await;
    let history = trial
        .under_load(async {
            a_window_is_in_hand(&trial).await;
            first.process.signal(Signal::STOP).unwrap();
            second.process.start().await.unwrap();
            leads(second, true).await;
            trial.clients.told(10).await.unwrap();
        })
        .await;
    trial.evidence.at_rest().await.unwrap();
    let before = trial.evidence.published().await.unwrap().len();
    first.process.signal(Signal::CONT).unwrap();
    eventually("it publishes what it had in hand", async || {
        let published = trial.evidence.published().await?.len();
        ensure!(published > before, "still {published} messages");
        Ok(())
    })
    .await;
    assert_found(&trial, &history, "no event is on the stream twice").await;
}

async fn forget_duplicates_at_once(trial: &Trial) {
    let jetstream = trial.platform.backing.nats.administer().await.unwrap();
    let mut config = jetstream.get_stream(TRANSACTIONS).await.unwrap().cached_info().config.clone();
    config.duplicate_window = Duration::from_millis(100);
    jetstream.update_stream(config).await.unwrap();
}
