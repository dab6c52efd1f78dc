//! Carries the checks out, one after the other, each in one statement.
//!
//! The database counts and keeps the first few offenders, so neither side holds more of them, however much is broken.
//! Every check is a transaction of its own: a long one would keep Postgres from cleaning up the outbox meanwhile.

use std::time::Instant;

use contract::{AccountId, EventId, TransactionId};
use serde::Deserialize;
use service_kit::clock::Clock;
use sqlx::{AssertSqlSafe, Connection, PgConnection, types::Json};
use uuid::Uuid;

use super::{CHECKS, Check, Finding, Offender, OutboxState, Report};
use crate::store::{StoreError, outbox};

/// How many offenders against one rule are named: where there are more, the first tell enough.
const NAMED: i32 = 20;

/// A statement of its own may take long; it uses one core and little memory, and what does not fit goes to disk.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '30min'; \
     SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off";

/// SQLSTATE class 22: stored data that the check cannot even read.
const DATA_EXCEPTION: &str = "22";

/// An offender, before its ids have their types.
#[derive(Debug, Deserialize)]
struct Row {
    account: Option<Uuid>,
    transaction: Option<Uuid>,
    event: Option<Uuid>,
    detail: String,
}

/// Carries out all checks, and tells each before it begins.
///
/// # Errors
/// Those of the database. What is stored is never an error, but a finding.
pub async fn verify(
    connection: &mut PgConnection,
    clock: &dyn Clock,
    mut begins: impl FnMut(&Check),
) -> Result<Report, StoreError> {
    let (started_at, started) = (clock.now(), Instant::now());
    let mut findings = Vec::new();
    for check in CHECKS.into_iter().flatten() {
        begins(check);
        let mut transaction = connection.begin_with(BEGIN).await?;
        findings.push(examine_one_in_tx(&mut transaction, check).await?);
        transaction.rollback().await?;
    }
    let backlog = outbox::backlogs(connection).await?.relay;
    let age = |oldest: EventId| (clock.now() - oldest.time()).whole_seconds().max(0);
    Ok(Report {
        started_at,
        duration_milliseconds: milliseconds(started),
        violations: findings.iter().map(|finding| finding.violations).sum(),
        checks: findings,
        outbox: OutboxState { events: backlog.events, oldest_age_seconds: backlog.oldest.map(age) },
    })
}

/// Carries out all checks on what the connection's transaction sees.
///
/// # Errors
/// Those of the database.
pub async fn examine_in_tx(connection: &mut PgConnection) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for check in CHECKS.into_iter().flatten() {
        findings.push(examine_one_in_tx(connection, check).await?);
    }
    Ok(findings)
}

async fn examine_one_in_tx(connection: &mut PgConnection, check: &Check) -> Result<Finding, StoreError> {
    let started = Instant::now();
    // A savepoint: a row that makes no sense at all must not end the caller's transaction.
    let mut attempt = connection.begin().await?;
    let query = format!(
        "SELECT count(*), coalesce(jsonb_agg(offender) FILTER (WHERE place <= {NAMED}), '[]')
         FROM (SELECT row_number() OVER () AS place,
                      jsonb_build_object('account', account, 'transaction', transaction, 'event', event, 'detail', detail)
                          AS offender
               FROM ({}) AS broken (account, transaction, event, detail)) AS numbered",
        check.broken_by
    );
    let found: sqlx::Result<(i64, Json<Vec<Row>>)> =
        sqlx::query_as(AssertSqlSafe(query)).persistent(false).fetch_one(&mut *attempt).await;
    let (violations, offenders) = match found {
        Ok((violations, Json(rows))) => (violations.unsigned_abs(), rows.into_iter().map(Offender::from).collect()),
        Err(error) => (1, vec![unreadable(error)?]),
    };
    attempt.rollback().await?;
    Ok(Finding {
        check: check.name.to_owned(),
        rule: check.rule.to_owned(),
        violations,
        duration_milliseconds: milliseconds(started),
        offenders,
    })
}

/// What the database said about data that it could not read.
fn unreadable(error: sqlx::Error) -> Result<Offender, StoreError> {
    let refusal = error.as_database_error();
    let nonsense = refusal.filter(|refusal| refusal.code().is_some_and(|code| code.starts_with(DATA_EXCEPTION)));
    match nonsense {
        Some(nonsense) => {
            let detail = format!("a row cannot be read: {}", nonsense.message());
            Ok(Offender { account: None, transaction: None, event: None, detail })
        }
        None => Err(error.into()),
    }
}

impl From<Row> for Offender {
    fn from(row: Row) -> Self {
        Self {
            account: row.account.map(AccountId::from_uuid),
            transaction: row.transaction.map(TransactionId::from_uuid),
            event: row.event.map(EventId::from_uuid),
            detail: row.detail,
        }
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
