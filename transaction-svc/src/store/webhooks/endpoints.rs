//! Endpoints, as far as sending needs them.

use contract::{
    Event, EventId, EventKind, WebhookEndpointId,
    event::{EventData, WebhookEndpointData, WebhookEndpointSnapshot},
    webhook::DisabledReason,
};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::{
    StoreError,
    journal::{self, JournalEntry},
};

/// Makes the endpoint that the operator has configured under this name, or brings it up to date. It is told of events from
/// now on, by the clock that events have, too. Without a URL it is told of nothing any more.
///
/// # Errors
/// Those of the database.
pub async fn configure(pool: &PgPool, name: &str, url: Option<&str>, entropy: u64) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    let now: OffsetDateTime = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *transaction).await?;
    match url {
        Some(url) => {
            sqlx::query(
                "INSERT INTO webhook_endpoints AS known (id, configured_as, url, enabled, version, created_at, updated_at)
                 VALUES ($1, $2, $3, true, 1, $4, $4)
                 ON CONFLICT (configured_as) DO UPDATE
                 SET url = excluded.url, enabled = true, disabled_reason = NULL, version = known.version + 1,
                     updated_at = excluded.updated_at
                 WHERE known.url <> excluded.url OR NOT known.enabled",
            )
            .bind(WebhookEndpointId::new(now, entropy).uuid())
            .bind(name)
            .bind(url)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        None => {
            sqlx::query(
                "UPDATE webhook_endpoints SET enabled = false, disabled_reason = 'requested', updated_at = $2
                 WHERE configured_as = $1 AND enabled",
            )
            .bind(name)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Sends nothing more to an endpoint of a caller's, and raises the event of it in the same commit. False where it was
/// disabled before, or is gone.
///
/// # Errors
/// Those of the database.
pub async fn disable(
    pool: &PgPool,
    id: WebhookEndpointId,
    reason: DisabledReason,
    entropy: u64,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin().await?;
    let disabled: Option<(String, Option<String>, OffsetDateTime)> = sqlx::query_as(
        "UPDATE webhook_endpoints SET enabled = false, disabled_reason = $2, updated_at = clock_timestamp()
         WHERE id = $1 AND enabled AND configured_as IS NULL
         RETURNING url, description, updated_at",
    )
    .bind(id.uuid())
    .bind(reason_text(reason))
    .fetch_optional(&mut *transaction)
    .await?;
    let Some((url, description, at)) = disabled else { return Ok(false) };
    let event = Event {
        id: EventId::new(at, entropy),
        kind: EventKind::WebhookEndpointDisabled,
        time: at,
        traceparent: None,
        data: EventData::WebhookEndpoint(WebhookEndpointData {
            webhook_endpoint: WebhookEndpointSnapshot { id, url, description },
            reason,
        }),
    };
    let body = event.encode().map_err(|error| StoreError::corrupt("webhook_endpoints", id, error))?;
    let partition_key: Uuid = id.uuid();
    let (id, kind) = (event.id, event.kind);
    let entry = JournalEntry { id, kind, partition_key, traceparent: None, accepted_at: None, body };
    journal::append_in_tx(&mut transaction, vec![entry]).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) const fn reason_text(reason: DisabledReason) -> &'static str {
    match reason {
        DisabledReason::Requested => "requested",
        DisabledReason::Gone => "gone",
        DisabledReason::Failing => "failing",
    }
}
