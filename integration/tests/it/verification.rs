//! The verification of the books: sound ones break no rule, and whatever is broken by hand is counted and named, by the
//! command, by the API and by the metric.

use std::collections::BTreeSet;

use anyhow::ensure;
use contract::TransactionId;
use integration::{
    eventually::eventually,
    people::cents,
    stack::{identity::OPERATOR_SCOPES, platform::Layout, service::ServiceKind},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use transaction_svc::operate::verify::{CHECKS, Finding, examine_in_tx};
use uuid::Uuid;

use crate::{stage::Stage, trial::metric};

/// Checks, and what to do to sound books so that each finds something. `{}` is an unlucky transaction.
const SABOTAGE: &[(&str, &str)] = &[
    ("money_is_conserved", "UPDATE accounts SET posted = posted + 1 WHERE min_balance IS NULL"),
    ("money_is_conserved", "UPDATE accounts SET pending_out = 1 WHERE min_balance IS NULL"),
    ("accounts_keep_their_limit", "UPDATE effects SET available_after = -1 WHERE transaction_id = {}"),
    ("accounts_keep_their_limit", "UPDATE accounts SET status = 'closed'"),
    ("balances_are_sums", "UPDATE accounts SET pending_in = 1 WHERE min_balance IS NULL"),
    ("balances_are_sums", "UPDATE effects SET posted = 9223372036854775807"),
    ("accounts_are_as_their_last_effect", "UPDATE accounts SET updated_at = updated_at + interval '1 us'"),
    ("accounts_are_as_their_last_effect", "UPDATE accounts SET min_balance = min_balance - 1"),
    ("sequences_have_no_gap", "UPDATE accounts SET version = version + 1 WHERE min_balance IS NULL"),
    ("sequences_have_no_gap", "DELETE FROM effects WHERE sequence = 1"),
    ("effects_follow_each_other", "UPDATE effects SET posted_after = posted_after + 1 WHERE transaction_id = {}"),
    ("effects_follow_each_other", "UPDATE effects SET pending_in_after = 1 WHERE transaction_id = {}"),
    ("effects_follow_each_other", "UPDATE effects SET occurred_at = now()"),
    ("statuses_agree_with_amounts", "UPDATE transactions SET status = 'refunded' WHERE id = {}"),
    ("statuses_agree_with_amounts", "UPDATE transactions SET captured_amount = captured_amount - 1 WHERE id = {}"),
    ("refunds_add_up", "UPDATE transactions SET refunded_amount = 1 WHERE id = {}"),
    ("refunds_add_up", "INSERT INTO refunds VALUES (gen_random_uuid(), {}, 1, '', '', now())"),
    ("holds_are_pending_transactions", "UPDATE accounts SET pending_out = 1 WHERE min_balance IS NULL"),
    ("holds_are_pending_transactions", "UPDATE transactions SET status = 'pending' WHERE id = {}"),
    ("transactions_moved_what_they_say", "UPDATE effects SET posted = 1 WHERE transaction_id = {} AND posted > 0"),
    ("transactions_moved_what_they_say", "UPDATE effects SET pending_in = 1 WHERE transaction_id = {} AND posted > 0"),
    (
        "transactions_moved_what_they_say",
        "UPDATE transactions SET source = destination, destination = source WHERE id = {}",
    ),
    ("transactions_moved_what_they_say", "DELETE FROM effects WHERE transaction_id = {}"),
    ("transactions_name_accounts_of_their_currency", "UPDATE transactions SET currency = 'JPY' WHERE id = {}"),
    ("transactions_name_accounts_of_their_currency", "DELETE FROM accounts WHERE min_balance IS NULL"),
    ("effects_name_what_exists", "DELETE FROM transactions WHERE id = {}"),
    ("effects_name_what_exists", "DELETE FROM accounts WHERE min_balance IS NULL"),
    (
        "refunds_name_transactions",
        "INSERT INTO refunds VALUES (gen_random_uuid(), gen_random_uuid(), 1, '', '', now())",
    ),
    ("answers_name_what_exists", "DELETE FROM transactions WHERE id = {}"),
    ("answers_name_what_exists", "DELETE FROM accounts WHERE min_balance IS NULL"),
    ("answers_name_what_exists", "UPDATE stored_answers SET location = '/v1/accounts/none'"),
    ("nothing_is_set_aside", "INSERT INTO outbox_refused SELECT id, 'too large', now() FROM events LIMIT 1"),
    ("outbox_names_events", "INSERT INTO outbox_relay (event_id) VALUES (gen_random_uuid())"),
    ("outbox_names_events", "INSERT INTO outbox_dispatch (event_id, kind) VALUES (gen_random_uuid(), 'x')"),
    (
        "effects_have_their_event",
        "DELETE FROM events WHERE id IN (SELECT event_id FROM effects WHERE transaction_id = {})",
    ),
    ("effects_have_their_event", "UPDATE events SET kind = 'account.updated' WHERE kind = 'account.opened'"),
    ("events_have_their_effects", "DELETE FROM effects WHERE transaction_id = {} AND posted > 0"),
    ("events_have_their_effects", "UPDATE effects SET posted = posted - 1 WHERE transaction_id = {} AND posted > 0"),
    (
        "transitions_have_their_events",
        "UPDATE events SET kind = 'transaction.voided' WHERE kind = 'transaction.posted'",
    ),
    ("transitions_have_their_events", "DELETE FROM effects WHERE transaction_id = {}"),
    ("events_say_what_was_done", "UPDATE effects SET posted_after = posted_after + 1 WHERE transaction_id = {}"),
    ("events_say_what_was_done", "UPDATE events SET body = 'rubbish' WHERE kind = 'transaction.posted'"),
];

#[tokio::test]
async fn whatever_is_wrong_with_the_books_is_found() {
    let stage = Stage::with(1).await;
    let unlucky = stage.bank.fund(stage.bob, cents(5)).await.unwrap().id;
    stage.assert_in_order().await;

    let mut connection = PgConnection::connect(stage.platform.backing.database.admin().as_str()).await.unwrap();
    raw_sql("SET search_path = transactions").execute(&mut connection).await.unwrap();
    let mut found = BTreeSet::new();
    for (check, sabotage) in SABOTAGE {
        let mut transaction = connection.begin().await.unwrap();
        let sabotage = sabotage.replace("{}", &format!("'{}'", unlucky.uuid()));
        raw_sql(AssertSqlSafe(sabotage.clone())).execute(&mut *transaction).await.unwrap();
        let findings = examine_in_tx(&mut transaction).await.unwrap();
        transaction.rollback().await.unwrap();
        let broken: Vec<_> = findings.iter().filter(|finding| finding.violations > 0).collect();
        assert!(broken.iter().all(|finding| !finding.offenders.is_empty()), "{sabotage} was counted, not named");
        assert!(broken.iter().any(|finding| finding.check == *check), "{sabotage} did not break {check}: {broken:#?}");
        found.insert(*check);
    }
    let all: BTreeSet<_> = CHECKS.into_iter().flatten().map(|check| check.name).collect();
    assert_eq!(found, all, "each check has been broken once");
}

#[tokio::test]
async fn much_that_is_wrong_is_counted_and_the_first_of_it_named() {
    let stage = Stage::with(1).await;
    let mut connection = PgConnection::connect(stage.platform.backing.database.admin().as_str()).await.unwrap();
    let pointers = "SET search_path = transactions;
        INSERT INTO outbox_relay (event_id) SELECT gen_random_uuid() FROM generate_series(1, 1000)";
    raw_sql(pointers).execute(&mut connection).await.unwrap();
    let findings = examine_in_tx(&mut connection).await.unwrap();
    let finding = finding(&findings, "outbox_names_events");
    assert_eq!((finding.violations, finding.offenders.len()), (1_000, 20));
}

#[tokio::test]
async fn an_operator_learns_what_is_wrong_until_it_is_repaired() {
    let every_second = (ServiceKind::Transaction, "VERIFICATION_INTERVAL_SECONDS", "1".to_owned());
    let stage = Stage::laid_out(&Layout { settings: vec![every_second], ..Layout::default() }).await;
    let transaction = stage.bank.fund(stage.bob, cents(5)).await.unwrap().id;
    let (code, clean) = stage.platform.verify().await.unwrap();
    assert_eq!((code, clean.violations, clean.checks.len()), (0, 0, CHECKS.into_iter().flatten().count()));
    assert_told(&stage, 0).await;

    set_amount(&stage, transaction, 6).await;
    let (code, report) = stage.platform.verify().await.unwrap();
    assert_eq!(code, 1);
    let moved = finding(&report.checks, "transactions_moved_what_they_say");
    assert_eq!((moved.violations, moved.offenders[0].transaction), (1, Some(transaction)));
    assert_told(&stage, report.violations).await;

    set_amount(&stage, transaction, 5).await;
    assert_told(&stage, 0).await;
    assert_eq!(stage.platform.verify().await.unwrap().0, 0);
}

/// Waits until the API and the metric tell as many violations.
async fn assert_told(stage: &Stage, violations: u64) {
    let operator = stage.wire_with("operator", OPERATOR_SCOPES);
    eventually("the verification in the background tells what is wrong", async || {
        let reply = operator.get("/v1/verification").await;
        ensure!(reply.status == 200, "{reply:?}");
        let told: Value = reply.json();
        ensure!(told["violations"] == violations, "{told:#}");
        let name = "ledger_violations{check=\"transactions_moved_what_they_say\"}";
        let shown = metric(&stage.platform.transaction_svc[0], name).await?;
        ensure!((shown > 0.0) == (violations > 0), "the metric shows {shown}");
        Ok(())
    })
    .await;
}

async fn set_amount(stage: &Stage, transaction: TransactionId, amount: i64) {
    let id: Uuid = transaction.uuid();
    sqlx::query("UPDATE transactions.transactions SET amount = $2, captured_amount = $2 WHERE id = $1")
        .bind(id)
        .bind(amount)
        .execute(stage.database())
        .await
        .unwrap();
}

fn finding<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.check == check).unwrap()
}
