//! The proof itself: a platform where nothing went wrong breaks no rule, and whatever is broken by hand is found.

use std::{collections::BTreeSet, mem::swap};

use contract::WebhookEndpointId;
use integration::history::{
    check::{InboxOrder, Violation, examine, rule_names},
    evidence::Published,
    told::{History, Listener, Outcome},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use uuid::Uuid;

use crate::trial::Trial;

/// Rules, and what to do to sound books so that each no longer holds. `{}` is an unlucky transaction.
const LEDGER: &[(&str, &str)] = &[
    (
        "every event has a delivery to every endpoint that is older and wants it",
        "INSERT INTO webhook_endpoints (id, url, event_types, enabled, version, created_at, updated_at)
         VALUES ('00000000-0000-0000-0000-000000000000', '', '[\"transaction.posted\"]', true, 1, now(), now())",
    ),
    (
        "what is not delivered yet is in the queue, and nothing else is",
        "INSERT INTO webhook_queue SELECT id, now(), id, id, 0, 0 FROM events LIMIT 1",
    ),
    (
        "a key has one effect at the most",
        "UPDATE transactions SET reference = (SELECT reference FROM transactions WHERE id = {})",
    ),
    ("what was acknowledged is on the books", "DELETE FROM transactions WHERE id = {}"),
    ("what was acknowledged is on the books", "UPDATE transactions SET amount = amount + 1 WHERE id = {}"),
    (
        "what was acknowledged happened as it was told",
        "UPDATE effects SET posted_after = posted_after + 1 WHERE transaction_id = {}",
    ),
    ("a refusal names a balance that was", "UPDATE effects SET available_after = available_after + 1000000"),
    ("nothing happened that nobody asked for", "UPDATE transactions SET reference = reference || '?' WHERE id = {}"),
    ("a balance that was read was on the books", "UPDATE effects SET posted_after = posted_after + 1"),
];

const INBOX: &[(&str, &str)] = &[
    ("each party is notified", "DELETE FROM notifications WHERE transaction_id = {}"),
    ("nobody else is notified", "UPDATE notifications SET recipient = recipient || '-' WHERE transaction_id = {}"),
    (
        "nobody is notified twice",
        "ALTER TABLE notifications DROP CONSTRAINT one_notification_per_event_and_recipient;
         UPDATE notifications SET recipient = 'ada' WHERE transaction_id = {}",
    ),
    ("a notification says what happened", "UPDATE notifications SET amount = amount + 1 WHERE transaction_id = {}"),
    (
        "a user's notifications are numbered without a gap, and counted",
        "UPDATE notifications SET position = position + 1000000 WHERE transaction_id = {}",
    ),
    (
        "a user's notifications are numbered without a gap, and counted",
        "UPDATE notification_counters SET unread = unread + 1",
    ),
    ("what was received is what the journal has", "UPDATE received_events SET body_sha256 = sha256('')"),
    (
        "what was received is what the journal has",
        "DELETE FROM received_events WHERE event_id IN (SELECT event_id FROM notifications WHERE transaction_id = {})",
    ),
    ("what was withdrawn is not in the journal, and hidden", "UPDATE received_events SET withdrawn_at = now()"),
    ("a user is notified in the order of the stream", "UPDATE notifications SET position = 1000000 - position"),
];

#[tokio::test]
async fn whatever_breaks_the_promise_is_found() {
    let trial = Trial::over_jetstream_alone().await;
    let history = trial.under_load(async { trial.clients.told(150).await.unwrap() }).await;
    trial.assert_promise_kept(&history, InboxOrder::OfTheStream).await;

    let published = trial.evidence.published().await.unwrap();
    let mut connection = PgConnection::connect(trial.platform.backing.database.admin().as_str()).await.unwrap();
    // Both of its parties are notified, and its key is in the history.
    let unlucky: Uuid = sqlx::query_scalar(
        "SELECT transaction_id FROM notifications.notifications
         JOIN transactions.transactions AS transaction ON transaction.id = transaction_id AND reference IS NOT NULL
         GROUP BY transaction_id HAVING count(*) = 2 LIMIT 1",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();

    let mut found = BTreeSet::new();
    for (schema, (rule, sabotage)) in
        LEDGER.iter().map(|one| ("transactions", one)).chain(INBOX.iter().map(|one| ("notifications", one)))
    {
        let sabotage = sabotage.replace("{}", &format!("'{unlucky}'"));
        let sabotage = format!("SET LOCAL search_path = {schema}; {sabotage}; SET LOCAL search_path = DEFAULT");
        let mut transaction = connection.begin().await.unwrap();
        raw_sql(AssertSqlSafe(sabotage.clone())).execute(&mut *transaction).await.unwrap();
        let violations = examine(&mut transaction, &history, &published, InboxOrder::OfTheStream).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_broken(rule, &violations, &sabotage);
        found.insert(*rule);
    }
    for (rule, history, published) in tampered(&history, &published) {
        let violations = examine(&mut connection, &history, &published, InboxOrder::OfTheStream).await.unwrap();
        assert_broken(rule, &violations, "tampering with the testimony");
        found.insert(rule);
    }
    assert_eq!(found, rule_names().collect(), "each rule has been broken once");
}

fn assert_broken(rule: &str, violations: &[Violation], how: &str) {
    let broken: BTreeSet<_> = violations.iter().map(|violation| violation.rule.as_str()).collect();
    assert!(broken.contains(rule), "{how} did not break \"{rule}\", only {broken:?}");
}

/// What clients were told, or what the stream holds, changed so that a rule is broken.
fn tampered(history: &History, published: &[Published]) -> Vec<(&'static str, History, Vec<Published>)> {
    let stream = |rule, tamper: &dyn Fn(&mut Vec<Published>)| {
        let mut published = published.to_vec();
        tamper(&mut published);
        (rule, history.clone(), published)
    };
    let told = |rule, tamper: &dyn Fn(&mut History)| {
        let mut history = history.clone();
        tamper(&mut history);
        (rule, history, published.to_vec())
    };
    vec![
        stream("every event is on the stream", &|stream| drop(stream.pop())),
        stream("no event is on the stream twice", &|stream| {
            stream.push(Published { sequence: 1_000_000, ..stream[0].clone() })
        }),
        stream("the stream holds what happened, as the journal has it", &|stream| stream[3].body.push(b' ')),
        stream("the stream holds what happened, as the journal has it", &|stream| {
            stream[3].subject = "accounts.v1.closed.00".to_owned();
        }),
        stream("each account's events are on the stream in its order", &|stream| {
            let last = stream.len() - 1;
            let (head, tail) = stream.split_at_mut(last);
            swap(&mut head[0].sequence, &mut tail[0].sequence);
        }),
        told("every receiver has accepted every event since it was registered", &|told| {
            told.listeners.push(Listener { endpoint: WebhookEndpointId::from_uuid(Uuid::nil()), heard: Vec::new() });
        }),
        told("every client is told in the end", &|told| told.payments[0].attempts.clear()),
        told("a client is told of a transaction or of a refusal", &|told| answer(told, true).status = 500),
        told("a key has one answer, to the byte", &|told| {
            told.payments.iter_mut().for_each(|payment| payment.attempts.extend(payment.attempts.clone()));
            answer(told, true).body.push(b' ');
        }),
        told("what was refused did not happen", &|told| answer(told, true).status = 422),
        told("a refusal names a balance that was", &|told| {
            let body = &mut answer(told, false).body;
            *body = String::from_utf8_lossy(body).replace("\"available\":\"", "\"available\":\"-9").into_bytes();
        }),
        told("nothing happened that nobody asked for", &|told| told.payments.truncate(1)),
        told("a balance is not older than what was told before", &|told| {
            let mut late = told.balances[0].clone();
            late.account.version = 1;
            (late.asked, late.ended) = (late.asked * 1_000_000, late.ended * 1_000_000);
            told.balances.push(late);
        }),
        told("what was acknowledged can be read as it was told", &|told| told.transactions[0].transaction = None),
    ]
}

/// The first answer that acknowledges a payment, or refuses one.
fn answer(history: &mut History, acknowledges: bool) -> &mut client::Answer {
    let attempts = history.payments.iter_mut().flat_map(|payment| &mut payment.attempts);
    let mut answers = attempts.filter_map(|attempt| match &mut attempt.outcome {
        Outcome::Told(answer) => Some(answer),
        _ => None,
    });
    answers.find(|answer| (answer.status == 201) == acknowledges).unwrap()
}
