//! What keeps the ledger from growing for ever: old answers and old months of the journal go away, and nothing else does.

use anyhow::ensure;
use contract::EventId;
use integration::{
    config::RunningServers,
    eventually::eventually,
    load::growth::Growth,
    people::fresh_key,
    stack::{database::Database, provision::TRANSACTIONS as LEDGER},
};
use sqlx::{Connection, PgConnection, PgPool, query, query_scalar};
use time::{Duration, OffsetDateTime, macros::datetime};

use crate::stage::{Stage, TRANSACTIONS, payment};

#[tokio::test]
async fn a_key_is_forgotten_after_thirty_days_and_not_before() {
    let stage = Stage::with(1).await;
    let (old, young) = (fresh_key(), fresh_key());
    let wire = stage.wire("alice");
    let pay = async |key: &str| wire.post(TRANSACTIONS, key, payment(stage.alice, stage.bob, 1)).await;
    let [first, kept] = [pay(&old).await, pay(&young).await];
    age(&stage, "interval '30 days 1 minute'", first.header("Location").unwrap()).await;
    age(&stage, "interval '29 days 23 hours'", kept.header("Location").unwrap()).await;
    // More than one step's.
    query(
        "INSERT INTO transactions.stored_answers
         SELECT sha256(number::text::bytea), '', 422, '', NULL, NULL, now() - interval '400 days'
         FROM generate_series(1, 2500) AS number",
    )
    .execute(stage.database())
    .await
    .unwrap();

    let ledger = &stage.platform.transaction_svc[0].process;
    ledger.stop().await.unwrap();
    ledger.start().await.unwrap();
    eventually("old answers are gone", async || {
        let sql = "SELECT count(*) FROM transactions.stored_answers WHERE created_at < now() - interval '30 days'";
        let old: i64 = query_scalar(sql).fetch_one(stage.database()).await?;
        ensure!(old == 0, "{old} are left");
        Ok(())
    })
    .await;
    let [again, replayed] = [pay(&old).await, pay(&young).await];
    assert!(!again.replayed() && again.body != first.body, "an old key is a new one: {again:?}");
    assert!(replayed.replayed() && replayed.body == kept.body, "{replayed:?}");
}

async fn age(stage: &Stage, by: &'static str, location: &str) {
    let sql = format!("UPDATE transactions.stored_answers SET created_at = created_at - {by} WHERE location = $1");
    query(sqlx::AssertSqlSafe(sql)).bind(location).execute(stage.database()).await.unwrap();
}

#[tokio::test]
async fn months_of_the_journal_are_dropped_after_400_days_unless_something_in_them_is_to_be_told() {
    let database = scratch().await;
    let admin = PgPool::connect(database.admin().as_str()).await.unwrap();
    // As the service, which may make and drop months only by these functions.
    let mut service = PgConnection::connect(database.service(LEDGER).as_str()).await.unwrap();
    let begin = datetime!(2022-11-01 0:00 UTC);
    let event = |month: i64| EventId::new(begin + Duration::days(31 * month + 4), 7);
    for month in 0..3 {
        let ensure = query("SELECT ensure_event_partitions($1, 0)").bind(event(month).time());
        ensure.execute(&mut service).await.unwrap();
        let insert = query("INSERT INTO events VALUES ($1, 'account.updated', $1, NULL, '')").bind(event(month).uuid());
        insert.execute(&mut service).await.unwrap();
    }
    let pointer = "INSERT INTO outbox_dispatch (event_id, kind) VALUES ($1, 'account.opened')";
    query(pointer).bind(event(1).uuid()).execute(&mut service).await.unwrap();
    let months = async || -> i64 {
        let sql = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'transactions.events'::regclass";
        query_scalar(sql).fetch_one(&admin).await.unwrap()
    };
    let before = months().await;

    let drop = "SELECT drop_event_partitions($1)";
    let dropped = async |service: &mut PgConnection, moment: OffsetDateTime| -> i32 {
        query_scalar(drop).bind(moment).fetch_one(service).await.unwrap()
    };
    assert_eq!(dropped(&mut service, begin + Duration::days(430)).await, 1, "November ended 400 days before");
    assert_eq!(dropped(&mut service, datetime!(2100-01-01 0:00 UTC)).await, 0, "December is still to be told");
    query("DELETE FROM outbox_dispatch").execute(&mut service).await.unwrap();
    assert_eq!(
        dropped(&mut service, datetime!(2100-01-01 0:00 UTC)).await,
        2,
        "and whatever one says, no month is young"
    );
    assert_eq!(months().await, before - 3);
    let start: EventId =
        EventId::from_uuid(query_scalar("SELECT first_id FROM journal_start").fetch_one(&mut service).await.unwrap());
    assert_eq!(start.time(), datetime!(2023-02-01 0:00 UTC));
    assert!(query("DELETE FROM events").execute(&mut service).await.is_err(), "the service may not delete events");
    assert!(query("DROP TABLE events").execute(&mut service).await.is_err());
}

#[tokio::test]
async fn grown_books_are_in_order() {
    let stage = Stage::with(1).await;
    let mut growth = Growth::begin(stage.platform.backing.database.admin()).await.unwrap();
    let mut accounts = Vec::new();
    for size in [0, 300, 12_000] {
        accounts.push(growth.to(size).await.unwrap()[0]);
    }
    let (code, report) = stage.platform.verify().await.unwrap();
    assert_eq!(code, 0, "{report:#?}");
    let page = format!("{TRANSACTIONS}?account={}", accounts[2]);
    assert!(!stage.office().get(&page).await.json()["data"].as_array().unwrap().is_empty());
    assert_eq!(growth.sample().await.unwrap().len(), 10_000);
}

async fn scratch() -> Database {
    let admin = RunningServers::from_environment().unwrap().postgres.expect("tests share a Postgres");
    Database::clone_template(&admin).await.unwrap()
}
