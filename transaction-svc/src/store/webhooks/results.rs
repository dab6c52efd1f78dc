//! What became of attempts, many at a time.

use std::collections::BTreeSet;

use contract::{WebhookEndpointId, webhook::AttemptOutcome};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::queue::Place;
use crate::store::{StoreError, begin::RELAXED, column::column};

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub place: Place,
    pub finished_at: OffsetDateTime,
    pub outcome: AttemptOutcome,
    pub response_status: Option<i16>,
    pub error: Option<String>,
    pub then: Then,
    /// The receiver wants no request before.
    pub not_before: Option<OffsetDateTime>,
}

/// What is to become of the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Delivered,
    Retry {
        failures: i16,
        due_at: OffsetDateTime,
    },
    GiveUp,
    /// Retention is done with the event: given up, and no fault of the endpoint's.
    EventIsGone,
}

impl Then {
    const fn is_failure_of_endpoint(self) -> bool {
        matches!(self, Self::Retry { .. } | Self::GiveUp)
    }
}

/// Records them in one commit. Gives the endpoints that have been failing since before `failing_limit`.
///
/// A success counts even where the lease has ended meanwhile. A failure counts only for whoever holds the lease: otherwise
/// another attempt is under way, and it is that one's to say what comes next.
///
/// # Errors
/// Those of the database.
pub async fn record(
    pool: &PgPool,
    ended: &[Ended],
    failing_limit: OffsetDateTime,
) -> Result<Vec<WebhookEndpointId>, StoreError> {
    let mut transaction = pool.begin_with(RELAXED).await?;
    close_attempts_in_tx(&mut transaction, ended).await?;
    let of = |wanted: fn(&Then) -> bool| ended.iter().filter(move |one| wanted(&one.then)).collect::<Vec<_>>();
    let delivered = of(|then| matches!(then, Then::Delivered));
    let given_up = of(|then| matches!(then, Then::GiveUp | Then::EventIsGone));
    if !delivered.is_empty() {
        finish_in_tx(&mut transaction, &delivered, "delivered").await?;
    }
    if !given_up.is_empty() {
        finish_in_tx(&mut transaction, &given_up, "failed").await?;
    }
    let retried = of(|then| matches!(then, Then::Retry { .. }));
    if !retried.is_empty() {
        retry_in_tx(&mut transaction, &retried).await?;
    }
    note_health_in_tx(&mut transaction, ended).await?;
    let failed: Vec<_> = ended.iter().filter(|one| one.then.is_failure_of_endpoint()).collect();
    let failing = match failed.is_empty() {
        true => Vec::new(),
        false => failing_in_tx(&mut transaction, &failed, failing_limit).await?,
    };
    transaction.commit().await?;
    Ok(failing)
}

async fn close_attempts_in_tx(connection: &mut PgConnection, ended: &[Ended]) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhook_attempts AS attempt
         SET finished_at = ended.finished_at, outcome = ended.outcome, response_status = ended.response_status,
             error = ended.error
         FROM UNNEST($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[], $5::smallint[], $6::text[])
              AS ended (delivery_id, number, finished_at, outcome, response_status, error)
         WHERE (attempt.delivery_id, attempt.number) = (ended.delivery_id, ended.number)",
    )
    .bind(column(ended, |one| one.place.delivery.uuid()))
    .bind(column(ended, |one| one.place.attempt))
    .bind(column(ended, |one| one.finished_at))
    .bind(column(ended, |one| outcome_text(one.outcome)))
    .bind(column(ended, |one| one.response_status))
    .bind(column(ended, |one| one.error.clone()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn finish_in_tx(connection: &mut PgConnection, ended: &[&Ended], status: &str) -> Result<(), StoreError> {
    sqlx::query(
        "WITH gone AS (
             DELETE FROM webhook_queue AS queued
             USING UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[], $4::smallint[], $5::timestamptz[])
                   AS ended (endpoint_id, due_at, delivery_id, attempt, finished_at)
             WHERE (queued.endpoint_id, queued.due_at, queued.delivery_id)
                 = (ended.endpoint_id, ended.due_at, ended.delivery_id)
               AND ($6 = 'delivered' OR queued.attempts = ended.attempt)
             RETURNING ended.delivery_id, ended.finished_at
         )
         UPDATE webhook_deliveries AS delivery SET status = $6, finished_at = gone.finished_at
         FROM gone WHERE delivery.id = gone.delivery_id",
    )
    .bind(column(ended, |one| one.place.endpoint.uuid()))
    .bind(column(ended, |one| one.place.due_at))
    .bind(column(ended, |one| one.place.delivery.uuid()))
    .bind(column(ended, |one| one.place.attempt))
    .bind(column(ended, |one| one.finished_at))
    .bind(status)
    .execute(connection)
    .await?;
    Ok(())
}

async fn retry_in_tx(connection: &mut PgConnection, ended: &[&Ended]) -> Result<(), StoreError> {
    let next = |one: &&Ended| match one.then {
        Then::Retry { failures, due_at } => (failures, due_at),
        Then::Delivered | Then::GiveUp | Then::EventIsGone => (0, one.finished_at),
    };
    sqlx::query(
        "UPDATE webhook_queue AS queued SET due_at = ended.next_due_at, failures = ended.failures, leased_until = NULL
         FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[], $4::smallint[], $5::smallint[], $6::timestamptz[])
              AS ended (endpoint_id, due_at, delivery_id, attempt, failures, next_due_at)
         WHERE (queued.endpoint_id, queued.due_at, queued.delivery_id)
             = (ended.endpoint_id, ended.due_at, ended.delivery_id) AND queued.attempts = ended.attempt",
    )
    .bind(column(ended, |one| one.place.endpoint.uuid()))
    .bind(column(ended, |one| one.place.due_at))
    .bind(column(ended, |one| one.place.delivery.uuid()))
    .bind(column(ended, |one| one.place.attempt))
    .bind(column(ended, |one| next(one).0))
    .bind(column(ended, |one| next(one).1))
    .execute(connection)
    .await?;
    Ok(())
}

/// Since when each endpoint fails, and how long it asked for quiet. Locks endpoints in the order of their ids, and only
/// those of which something changes.
async fn note_health_in_tx(connection: &mut PgConnection, ended: &[Ended]) -> Result<(), StoreError> {
    let ids = |wanted: fn(&Ended) -> bool| -> Vec<Uuid> {
        let ids: BTreeSet<_> = ended.iter().filter(|one| wanted(one)).map(|one| one.place.endpoint.uuid()).collect();
        ids.into_iter().collect()
    };
    let well = ids(|one| one.then == Then::Delivered);
    let failing = ids(|one| one.then.is_failure_of_endpoint());
    let quiet: Vec<_> = ended.iter().filter_map(|one| Some((one.place.endpoint.uuid(), one.not_before?))).collect();
    let Some(since) = ended.iter().map(|one| one.finished_at).min() else { return Ok(()) };
    sqlx::query(
        "WITH quiet AS (
             SELECT id, max(until) AS until FROM UNNEST($4::uuid[], $5::timestamptz[]) AS asked (id, until) GROUP BY id
         ), touched AS (
             SELECT endpoint.id, quiet.until FROM webhook_endpoints AS endpoint LEFT JOIN quiet ON quiet.id = endpoint.id
             WHERE (endpoint.id = ANY($1) AND failing_since IS NOT NULL)
                OR (endpoint.id = ANY($2) AND failing_since IS NULL AND NOT endpoint.id = ANY($1))
                OR quiet.until IS NOT NULL
             ORDER BY endpoint.id FOR UPDATE OF endpoint
         )
         UPDATE webhook_endpoints AS endpoint
         SET failing_since = CASE WHEN endpoint.id = ANY($1) THEN NULL ELSE coalesce(failing_since, $3) END,
             not_before = coalesce(touched.until, not_before)
         FROM touched WHERE endpoint.id = touched.id",
    )
    .bind(well)
    .bind(failing)
    .bind(since)
    .bind(column(&quiet, |(id, _)| *id))
    .bind(column(&quiet, |(_, until)| *until))
    .execute(connection)
    .await?;
    Ok(())
}

async fn failing_in_tx(
    connection: &mut PgConnection,
    failed: &[&Ended],
    failing_limit: OffsetDateTime,
) -> Result<Vec<WebhookEndpointId>, StoreError> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM webhook_endpoints
         WHERE id = ANY($1) AND failing_since <= $2 AND enabled AND configured_as IS NULL",
    )
    .bind(column(failed, |one| one.place.endpoint.uuid()))
    .bind(failing_limit)
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(WebhookEndpointId::from_uuid).collect())
}

/// As the table has it; what is not known has no text.
pub(super) const fn outcome_text(outcome: AttemptOutcome) -> Option<&'static str> {
    match outcome {
        AttemptOutcome::Unknown => None,
        AttemptOutcome::Delivered => Some("delivered"),
        AttemptOutcome::Refused => Some("refused"),
        AttemptOutcome::TimedOut => Some("timed_out"),
        AttemptOutcome::Unreachable => Some("unreachable"),
        AttemptOutcome::NotSent => Some("not_sent"),
    }
}
