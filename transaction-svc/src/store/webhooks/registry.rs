//! Endpoints as whoever manages them sees and changes them.

use contract::{
    EventKind, WebhookEndpointId,
    webhook::{DisabledReason, WebhookEndpoint},
};
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    endpoints::reason_text,
    secrets::{self, SealedSecret},
};
use crate::store::StoreError;

/// How many endpoints there may be: each event is looked at for each of them.
pub const MAX_ENDPOINTS: i64 = 500;

/// An endpoint to be made.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    pub id: WebhookEndpointId,
    pub url: String,
    pub description: Option<String>,
    pub event_types: Option<Vec<EventKind>>,
    pub enabled: bool,
    pub secret: SealedSecret,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub url: Option<String>,
    pub description: Option<Option<String>>,
    pub event_types: Option<Option<Vec<EventKind>>>,
    pub enabled: Option<bool>,
}

/// Why an endpoint was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("there is no such endpoint")]
    Unknown,
    #[error("the endpoint is part of the configuration")]
    Configured,
    #[error("there are {MAX_ENDPOINTS} endpoints already")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RegistryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    configured_as: Option<String>,
    url: String,
    description: Option<String>,
    event_types: Option<Value>,
    enabled: bool,
    disabled_reason: Option<String>,
    failing_since: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

/// The clock of events. An endpoint whose id is of this moment is told of everything that is decided after its commit.
///
/// # Errors
/// Those of the database.
pub async fn now(pool: &PgPool) -> Result<OffsetDateTime, StoreError> {
    Ok(sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(pool).await?)
}

/// Makes an endpoint with its secret.
///
/// # Errors
/// [`RegistryError::TooMany`], and those of the database.
pub async fn create(pool: &PgPool, new: NewEndpoint) -> Result<WebhookEndpoint, RegistryError> {
    let at = new.id.time();
    let mut transaction = pool.begin().await?;
    let row: Option<Row> = sqlx::query_as(
        "INSERT INTO webhook_endpoints (id, url, description, event_types, enabled, disabled_reason, version, created_at,
                                        updated_at)
         SELECT $1, $2, $3, $4, $5, CASE WHEN $5 THEN NULL ELSE $6 END, 1, $7, $7
         WHERE (SELECT count(*) FROM webhook_endpoints) < $8
         RETURNING *",
    )
    .bind(new.id.uuid())
    .bind(new.url)
    .bind(new.description)
    .bind(json(new.event_types.as_deref()))
    .bind(new.enabled)
    .bind(reason_text(DisabledReason::Requested))
    .bind(at)
    .bind(MAX_ENDPOINTS)
    .fetch_optional(&mut *transaction)
    .await?;
    let row = row.ok_or(RegistryError::TooMany)?;
    secrets::replace_in_tx(&mut transaction, new.id, &new.secret, at, at).await?;
    transaction.commit().await?;
    Ok(row.try_into()?)
}

/// # Errors
/// [`RegistryError::Unknown`], and those of the database.
pub async fn find(pool: &PgPool, id: WebhookEndpointId) -> Result<WebhookEndpoint, RegistryError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT * FROM webhook_endpoints WHERE id = $1").bind(id.uuid()).fetch_optional(pool).await?;
    Ok(row.ok_or(RegistryError::Unknown)?.try_into()?)
}

/// Endpoints, newest first, older than `before`.
///
/// # Errors
/// Those of the database.
pub async fn list(
    pool: &PgPool,
    before: Option<WebhookEndpointId>,
    limit: u64,
) -> Result<Vec<WebhookEndpoint>, StoreError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT * FROM webhook_endpoints WHERE $1 IS NULL OR id < $1 ORDER BY id DESC LIMIT $2")
            .bind(before.map(WebhookEndpointId::uuid))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await?;
    rows.into_iter().map(WebhookEndpoint::try_from).collect()
}

/// Changes an endpoint of a caller's. What waits for one that is enabled again is sent.
///
/// # Errors
/// [`RegistryError`]
pub async fn change(pool: &PgPool, id: WebhookEndpointId, changes: Changes) -> Result<WebhookEndpoint, RegistryError> {
    let row: Option<Row> = sqlx::query_as(
        "UPDATE webhook_endpoints
         SET url = coalesce($2, url),
             description = CASE WHEN $3 THEN $4 ELSE description END,
             event_types = CASE WHEN $5 THEN $6 ELSE event_types END,
             enabled = coalesce($7, enabled),
             disabled_reason = CASE WHEN $7 THEN NULL WHEN NOT $7 AND enabled THEN $8 ELSE disabled_reason END,
             failing_since = CASE WHEN $7 AND NOT enabled THEN NULL ELSE failing_since END,
             not_before = CASE WHEN $7 AND NOT enabled THEN NULL ELSE not_before END,
             version = version + 1, updated_at = clock_timestamp()
         WHERE id = $1 AND configured_as IS NULL
         RETURNING *",
    )
    .bind(id.uuid())
    .bind(changes.url)
    .bind(changes.description.is_some())
    .bind(changes.description.flatten())
    .bind(changes.event_types.is_some())
    .bind(json(changes.event_types.flatten().as_deref()))
    .bind(changes.enabled)
    .bind(reason_text(DisabledReason::Requested))
    .fetch_optional(pool)
    .await?;
    match row {
        Some(row) => Ok(row.try_into()?),
        None => Err(why_not(pool, id).await),
    }
}

/// Deletes an endpoint of a caller's and its secrets. What waits for it is never sent.
///
/// # Errors
/// [`RegistryError`]
pub async fn delete(pool: &PgPool, id: WebhookEndpointId) -> Result<(), RegistryError> {
    let deleted = sqlx::query("DELETE FROM webhook_endpoints WHERE id = $1 AND configured_as IS NULL")
        .bind(id.uuid())
        .execute(pool)
        .await?;
    if deleted.rows_affected() == 0 { Err(why_not(pool, id).await) } else { Ok(()) }
}

/// Makes this the endpoint's secret; the one before goes on signing until `old_until`.
///
/// # Errors
/// [`RegistryError`]
pub async fn rotate(
    pool: &PgPool,
    id: WebhookEndpointId,
    secret: &SealedSecret,
    now: OffsetDateTime,
    old_until: OffsetDateTime,
) -> Result<WebhookEndpoint, RegistryError> {
    let mut transaction = pool.begin().await?;
    let row: Option<Row> = sqlx::query_as(
        "UPDATE webhook_endpoints SET version = version + 1, updated_at = $2
         WHERE id = $1 AND configured_as IS NULL RETURNING *",
    )
    .bind(id.uuid())
    .bind(now)
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = row else { return Err(why_not(pool, id).await) };
    secrets::replace_in_tx(&mut transaction, id, secret, now, old_until).await?;
    transaction.commit().await?;
    Ok(row.try_into()?)
}

async fn why_not(pool: &PgPool, id: WebhookEndpointId) -> RegistryError {
    match find(pool, id).await {
        Ok(_) => RegistryError::Configured,
        Err(error) => error,
    }
}

fn json(event_types: Option<&[EventKind]>) -> Option<Value> {
    event_types.map(|types| types.iter().map(|kind| kind.as_str()).collect())
}

impl TryFrom<Row> for WebhookEndpoint {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = WebhookEndpointId::from_uuid(row.id);
        let corrupt = |error: &dyn ToString| StoreError::corrupt("webhook_endpoints", id, error.to_string());
        let reasons = [DisabledReason::Requested, DisabledReason::Gone, DisabledReason::Failing];
        let reason = |text: String| {
            let known = reasons.into_iter().find(|reason| reason_text(*reason) == text);
            known.ok_or_else(|| corrupt(&"unknown reason"))
        };
        Ok(Self {
            id,
            url: row.url,
            description: row.description,
            event_types: row.event_types.map(serde_json::from_value).transpose().map_err(|error| corrupt(&error))?,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason.map(reason).transpose()?,
            configured: row.configured_as.is_some(),
            failing_since: row.failing_since,
            created_at: row.created_at,
            updated_at: row.updated_at,
            secret: None,
        })
    }
}
