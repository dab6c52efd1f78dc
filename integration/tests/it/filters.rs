//! Transactions by what callers filter by: the right ones, and without reading the others.

#![expect(clippy::print_stdout, reason = "the plans are what whoever runs the large one wants to see")]

use std::time::Duration;

use client::TransactionFilter;
use contract::{AccountId, TransactionId, transaction::TransactionStatus};
use integration::{config::RunningServers, people::fresh_key, stack::database::Database};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgArguments};
use transaction_svc::{
    domain::text::Reference,
    store::{
        begin,
        transaction_list::{Filter, Whose, page},
    },
};

use crate::stage::{Stage, TRANSACTIONS, payment};

#[tokio::test]
async fn each_filter_finds_what_it_asks_for() {
    let stage = Stage::with(1).await;
    let alice = stage.wire("alice");
    let mut paid = Vec::new();
    for number in 0..6 {
        let mut body: serde_json::Value = serde_json::from_str(&payment(stage.alice, stage.bob, 1)).unwrap();
        body["reference"] = json!(if number % 2 == 0 { "rent" } else { "food" });
        body["capture"] = json!(if number < 3 { "manual" } else { "automatic" });
        let reply = alice.post(TRANSACTIONS, &fresh_key(), body.to_string()).await.json();
        paid.push((reply["id"].as_str().unwrap().to_owned(), reply["created_at"].as_str().unwrap().to_owned()));
    }
    let found = async |query: String| {
        let reply = alice.get(&format!("{TRANSACTIONS}?{query}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let ids = reply.json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>();
        let places = ids.iter().filter_map(|id| paid.iter().position(|(paid, _)| paid == id));
        places.collect::<Vec<_>>()
    };
    let (second, fifth) = (&paid[1].1, &paid[4].1);
    for (query, wanted) in [
        ("reference=rent".to_owned(), vec![4, 2, 0]),
        ("status=pending".to_owned(), vec![2, 1, 0]),
        (format!("status=posted&reference=food&account={}", stage.alice), vec![5, 3]),
        (format!("created_gte={second}&created_lt={fifth}"), vec![3, 2, 1]),
        (format!("created_gte={fifth}&status=posted&reference=rent"), vec![4]),
        ("reference=nothing".to_owned(), vec![]),
    ] {
        assert_eq!(found(query.clone()).await, wanted, "{query}");
    }
    let filter = TransactionFilter {
        account: Some(stage.alice),
        status: Some(TransactionStatus::Pending),
        created_gte: Some(contract::timestamp::deserialize(json!(second)).unwrap()),
        ..TransactionFilter::default()
    };
    let typed = stage.platform.person("alice").unwrap().ledger.find(&filter).await.unwrap().data;
    assert!(typed.iter().map(|one| one.id.to_string()).eq([&paid[2].0, &paid[1].0].into_iter().cloned()));
    for query in ["reference=%00", "created_gte=today", "created_lt=", &format!("reference={}", "x".repeat(129))] {
        alice.get(&format!("{TRANSACTIONS}?{query}")).await.problem(400, "malformed");
    }
}

/// Transactions of a thousand accounts, each a millisecond after the one before: half of them of one busy account, one in a
/// hundred not posted, one in ten with a reference, most of these with the same.
const FURNITURE: &str = "
    INSERT INTO transactions.accounts
    SELECT md5('account' || number)::uuid, 'owner-' || number, NULL, 'EUR', 'open', NULL, true, '{}', 0, 0, 0, 1, 1,
           '2026-01-01', '2026-01-01'
    FROM generate_series(0, 999) AS number;
    INSERT INTO transactions.transactions
    SELECT transactions.first_id_at('2026-01-01'::timestamptz + number * interval '1 ms'),
           CASE WHEN number % 100 = 0 THEN (ARRAY['pending', 'voided', 'expired'])[1 + number / 100 % 3] ELSE 'posted' END,
           md5('account' || CASE WHEN number % 2 = 0 THEN 0 ELSE 1 + number % 499 END)::uuid,
           md5('account' || 500 + number % 499)::uuid, 1, 'EUR', CASE WHEN number % 100 = 0 THEN 0 ELSE 1 END, 0,
           CASE WHEN number % 100 = 0 THEN 'manual' ELSE 'automatic' END, '2026-01-08', NULL,
           CASE WHEN number % 1000 = 0 THEN 'inv-' || number WHEN number % 10 = 0 THEN 'rent' END, '{}', 'i', 'owner',
           '2026-01-01'::timestamptz + number * interval '1 ms', '2026-01-01'
    FROM generate_series(1, $1) AS number;
    ANALYZE transactions.accounts, transactions.transactions";

/// What may be read beside a page of fifty: a few rows of each side.
const BESIDE: f64 = 500.0;

async fn pages_read_no_more_than_a_page(rows: i64) {
    let server = RunningServers::from_environment().unwrap().postgres.expect("tests share a Postgres");
    let scratch = Database::clone_template(&server).await.unwrap();
    let database = PgPool::connect(scratch.admin().as_str()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(FURNITURE.replace("$1", &rows.to_string()))).execute(&database).await.unwrap();
    let busy: uuid::Uuid = sqlx::query_scalar("SELECT md5('account0')::uuid").fetch_one(&database).await.unwrap();
    let start = time::macros::datetime!(2026-01-01 0:00 UTC);
    let at = |row: i64| Some(start + Duration::from_millis(row.unsigned_abs()));
    let reference = |text: &str| Some(Reference::try_from(text.to_owned()).unwrap());

    let filters = [
        ("no filter", Filter::default()),
        ("posted", Filter { status: Some(TransactionStatus::Posted), ..Filter::default() }),
        ("pending", Filter { status: Some(TransactionStatus::Pending), ..Filter::default() }),
        (
            "refunded, of which there are none",
            Filter { status: Some(TransactionStatus::Refunded), ..Filter::default() },
        ),
        ("a rare reference", Filter { reference: reference("inv-2000"), ..Filter::default() }),
        ("a frequent reference", Filter { reference: reference("rent"), ..Filter::default() }),
        ("an early hour", Filter { created_gte: at(rows / 10), created_lt: at(rows / 9), ..Filter::default() }),
    ];
    let everybody = [
        ("everybody's", Whose::Everybodys),
        ("a busy account's", Whose::Account(AccountId::from_uuid(busy))),
        ("a busy owner's", Whose::Owner("owner-0".to_owned())),
        ("a quiet account's", Whose::Owner("owner-7".to_owned())),
    ];
    let middle = TransactionId::new(start + Duration::from_millis(rows.unsigned_abs() / 2), 0);
    for (whose_name, whose) in &everybody {
        for (filter_name, filter) in &filters {
            for before in [None, Some(middle)] {
                let (query, values) = page(whose, filter, before, 51).unwrap();
                let plan = explain(&database, &query, values).await;
                let text = plan.join("\n");
                println!("{whose_name}, {filter_name}, before {before:?}:\n{text}\n");
                assert!(!text.contains("Seq Scan on transactions"), "{whose_name}, {filter_name}:\n{text}");
                for line in &plan {
                    assert!(rows_of(line) <= BESIDE, "{whose_name}, {filter_name}: {line}\n{text}");
                }
            }
        }
    }
    database.close().await;
}

async fn explain(database: &PgPool, query: &str, values: PgArguments) -> Vec<String> {
    let mut transaction = database.begin_with(begin::IN_ORDER).await.unwrap();
    sqlx::query("SET LOCAL search_path = transactions").execute(&mut *transaction).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {query}");
    let plan = sqlx::query_scalar_with(AssertSqlSafe(explain), values).fetch_all(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    plan
}

/// How many rows a line of a plan says to have read, or to have read in vain.
fn rows_of(line: &str) -> f64 {
    let number = |after: &str| {
        let rest = line.split_once(after)?.1;
        rest.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next()?.parse().ok()
    };
    number("actual rows=").or_else(|| number("Rows Removed by Filter: ")).unwrap_or(0.0)
}

#[tokio::test]
async fn a_page_by_any_filter_reads_no_more_than_a_page() {
    pages_read_no_more_than_a_page(30_000).await;
}

#[tokio::test]
#[ignore = "`tools/plans` runs it and shows the plans"]
async fn a_page_by_any_filter_reads_no_more_than_a_page_at_a_million_rows() {
    pages_read_no_more_than_a_page(1_000_000).await;
}
