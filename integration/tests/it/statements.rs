//! Reading the ledger back: statements, balances of any moment, and feeds that lose nothing.

use std::{collections::HashMap, time::Duration};

use contract::{EventId, MinorUnits, statement::Entry};
use futures_util::future::join_all;
use integration::{
    people::{Person, cents},
    stack::identity::OPERATOR_SCOPES,
};
use reqwest::Method;
use service_kit::clock::{Clock, SystemClock};
use tokio::join;

use crate::{
    stage::{ACCOUNTS, FUNDS, Stage},
    trial::Trial,
    wire::send,
};

async fn all_entries(person: &Person, account: contract::AccountId) -> Vec<Entry> {
    let (mut entries, mut cursor) = (Vec::new(), None);
    loop {
        let page = person.ledger.entries(account, cursor.as_deref()).await.unwrap();
        entries.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return entries;
        }
    }
}

#[tokio::test]
async fn a_statement_has_every_entry_with_its_running_balance_as_pages_and_as_csv() {
    const PAYMENTS: i64 = 1_050;
    let stage = Stage::with(1).await;
    let alice = stage.platform.person("alice").unwrap();
    // By the back office, which may ask as often as it likes.
    let pay = async |amount| stage.bank.office.pay(stage.alice, stage.bob, cents(amount)).await.unwrap();
    for chunk in (1..=PAYMENTS).collect::<Vec<_>>().chunks(150) {
        join_all(chunk.iter().map(|_| pay(1))).await;
    }
    let entries = all_entries(&alice, stage.alice).await;
    assert_eq!(entries.len(), 1 + PAYMENTS as usize);
    let balances: Vec<_> = entries.iter().map(|entry| entry.posted_after.get()).collect();
    assert_eq!(balances, (FUNDS - PAYMENTS..=FUNDS).collect::<Vec<_>>(), "newest first");

    let path = format!("{ACCOUNTS}/{}/entries", stage.alice);
    let csv = async |query: &str| {
        let request = stage.wire("alice").request(Method::GET, &format!("{path}{query}"));
        send(request.header("Accept", "text/csv")).await
    };
    let whole = csv("").await;
    assert_eq!(whole.header("Content-Type"), Some("text/csv; charset=utf-8"));
    let lines: Vec<_> = whole.body.split_terminator("\r\n").collect();
    assert_eq!(
        (lines.len(), lines[0]),
        (entries.len() + 1, "sequence,occurred_at,transaction,amount,balance,currency")
    );
    for (line, entry) in lines[1..].iter().zip(entries.iter().rev()) {
        let fields: Vec<_> = line.split(',').collect();
        let decimal = |units: MinorUnits| contract::Currency::EUR.decimal(units, ".");
        let wanted =
            [entry.sequence.to_string(), contract::timestamp::text(entry.occurred_at), entry.transaction.to_string()];
        assert_eq!(fields[..3], wanted);
        assert_eq!(fields[3..], [decimal(entry.amount), decimal(entry.posted_after), "EUR".to_owned()]);
    }

    let (from, to) = (&entries[1_000], &entries[900]);
    let [gte, lt] = [from, to].map(|entry| contract::timestamp::text(entry.occurred_at));
    let period = csv(&format!("?occurred_gte={gte}&occurred_lt={lt}")).await.body;
    assert_eq!(period.lines().count(), 1 + 100, "at or after the first, before the last");
    let page = stage.wire("alice").get(&format!("{path}?occurred_lt={lt}&limit=1")).await.json();
    assert_eq!(page["data"][0]["sequence"], entries[901].sequence);
    stage.wire("alice").get(&format!("{path}?occurred_gte=yesterday")).await.problem(400, "malformed");
}

#[tokio::test]
async fn a_balance_of_a_past_moment_is_the_same_for_ever_also_under_load() {
    let stage = Stage::with(2).await;
    let token = stage.platform.service_token().unwrap();
    let office = [0, 1].map(|replica| stage.platform.caller(replica, "service", &token).unwrap());
    let load = async |person: &Person| {
        for _ in 0..120 {
            person.pay(stage.alice, stage.bob, cents(1)).await.unwrap();
        }
    };
    let mut seen = Vec::new();
    let look = async {
        for number in 0..60 {
            let now = SystemClock.now();
            let answer = office[number % 2].ledger.balance_at(stage.alice, now).await;
            seen.push(answer.unwrap());
        }
    };
    join!(load(&office[0]), load(&office[1]), load(&office[0]), load(&office[1]), look);

    let events = office[0].ledger.account_events(stage.alice, 0).await.unwrap();
    let (mut history, mut last) = (events.data, events.next_after.unwrap());
    while last < 482 {
        let more = office[0].ledger.account_events(stage.alice, last).await.unwrap();
        (last, _) = (more.next_after.unwrap(), history.extend(more.data));
    }
    assert!(history.iter().map(|event| event.sequence).eq(1..=482), "without a gap");
    for then in &seen {
        let now = office[0].ledger.balance_at(stage.alice, then.as_of).await.unwrap();
        assert_eq!(&now, then);
        let effect = history.iter().rfind(|event| event.occurred_at <= then.as_of).unwrap();
        assert_eq!((effect.sequence, effect.balances), (then.sequence, then.balances));
    }
    assert!(seen.iter().map(|then| then.sequence).collect::<std::collections::HashSet<_>>().len() > 5, "{seen:?}");

    let opened = history[0].occurred_at;
    let path = |at| format!("{ACCOUNTS}/{}/balance?as_of={}", stage.alice, contract::timestamp::text(at));
    let wire = stage.wire("alice");
    assert_eq!(wire.get(&path(opened)).await.json()["balances"]["posted"], "0");
    wire.get(&path(opened - Duration::from_micros(1))).await.problem(404, "not_found");
    wire.get(&path(SystemClock.now() + Duration::from_secs(60))).await.problem(400, "malformed");
}

/// Everything that the journal's feed gives until it gives no more, after this event.
async fn feed(operator: &Person, mut after: Option<EventId>) -> Vec<(EventId, String)> {
    let mut events = Vec::new();
    loop {
        let part = operator.ledger.events(after).await.unwrap();
        events.extend(part.data.iter().map(|raw| {
            let id = contract::Event::decode(raw.get().as_bytes()).unwrap().id;
            (id, raw.get().to_owned())
        }));
        after = part.next_after;
        if !part.more {
            return events;
        }
    }
}

#[tokio::test]
async fn the_journals_feed_skips_no_event_that_commits_after_a_later_one() {
    let trial = Trial::of_two_replicas().await;
    let token = trial.platform.backing.issuer.token("ops", OPERATOR_SCOPES, Duration::from_secs(600)).unwrap();
    let operator = trial.platform.caller(1, "ops", &token).unwrap();
    let bank = trial.platform.bank().await.unwrap();
    let [early, late] = [0, 1].map(|replica| trial.platform.person_at(replica, "emil").unwrap());
    let [from, to] = [bank.open_funded(&late, cents(100)).await.unwrap().id, late.open_account().await.unwrap().id];
    let [other, aside] = [bank.open_funded(&late, cents(100)).await.unwrap().id, late.open_account().await.unwrap().id];
    crate::locks::be_patient(&trial.platform.backing).await;
    crate::trial::restart_with_fault(trial.ledger(), "writer::before_commit=1*sleep(5000)").await;

    let hangs = early.pay(from, to, cents(1));
    let overtakes = async {
        trial.a_transaction_hangs().await;
        let overtaken = late.pay(other, aside, cents(1)).await.unwrap();
        let before = feed(&operator, None).await;
        assert!(
            !before.iter().any(|(_, body)| body.contains(&overtaken.id.to_string())),
            "it waits for the earlier one"
        );
        before
    };
    let (first, mut seen) = join!(hangs, overtakes);
    first.unwrap();
    trial.evidence.at_rest().await.unwrap();
    integration::eventually::eventually("the feed has both", async || {
        seen.extend(feed(&operator, seen.last().map(|(id, _)| *id)).await);
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM transactions.events").fetch_one(trial.database()).await?;
        anyhow::ensure!(seen.len() as i64 == count, "{} of {count}", seen.len());
        Ok(())
    })
    .await;
    let journal: Vec<(uuid::Uuid, Vec<u8>)> =
        sqlx::query_as("SELECT id, body FROM transactions.events").fetch_all(trial.database()).await.unwrap();
    let journal: HashMap<_, _> = journal.into_iter().collect();
    assert!(seen.is_sorted_by(|one, next| one.0 < next.0));
    for (id, body) in &seen {
        assert_eq!(journal[&id.uuid()], body.as_bytes(), "byte for byte as published");
    }

    let beyond = EventId::new(time::OffsetDateTime::UNIX_EPOCH, 1);
    let wire = crate::wire::Wire::to(&trial.platform.transaction_svc[1]).bearing(&token);
    wire.get(&format!("/v1/events?after={beyond}")).await.problem(410, "sequence_too_old");
}

#[tokio::test]
async fn a_feed_does_not_go_on_from_before_the_journal_begins() {
    let stage = Stage::with(1).await;
    let alice = stage.wire("alice");
    stage.assert_in_order().await;
    // As months of the journal are dropped: the oldest events first.
    let dropped = "DELETE FROM transactions.events WHERE id IN
                       (SELECT event_id FROM transactions.effects WHERE account_id = $1 AND sequence = 1)
                   RETURNING id";
    let dropped: uuid::Uuid =
        sqlx::query_scalar(dropped).bind(stage.alice.uuid()).fetch_one(stage.database()).await.unwrap();
    sqlx::query("DELETE FROM transactions.events WHERE id < $1").bind(dropped).execute(stage.database()).await.unwrap();
    let path = |after| format!("{ACCOUNTS}/{}/events?after_sequence={after}", stage.alice);
    alice.get(&path(0)).await.problem(410, "sequence_too_old");
    let rest = alice.get(&path(1)).await.json();
    assert_eq!(
        (&rest["data"][0]["sequence"], &rest["next_after"], &rest["more"]),
        (&2.into(), &2.into(), &false.into())
    );

    let operator = stage.wire_with("ops", OPERATOR_SCOPES);
    let dropped = EventId::from_uuid(dropped);
    operator.get(&format!("/v1/events?after={dropped}")).await.problem(410, "sequence_too_old");
    assert_eq!(operator.get("/v1/events").await.status, 200);
}
