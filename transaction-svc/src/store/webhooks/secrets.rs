//! The secrets of endpoints, as they are kept: sealed.

use contract::WebhookEndpointId;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::store::StoreError;

/// A secret that only who has the named key can read.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SealedSecret {
    pub key_id: String,
    pub nonce: Vec<u8>,
    pub sealed: Vec<u8>,
    /// Signs until then; `None` is the current one.
    pub expires_at: Option<OffsetDateTime>,
}

/// The secrets of an endpoint that sign at this moment, the current one first.
///
/// # Errors
/// Those of the database.
pub async fn live(
    pool: &PgPool,
    endpoint: WebhookEndpointId,
    now: OffsetDateTime,
) -> Result<Vec<SealedSecret>, StoreError> {
    let secrets = sqlx::query_as(
        "SELECT key_id, nonce, sealed, expires_at FROM webhook_secrets
         WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2)
         ORDER BY created_at DESC",
    )
    .bind(endpoint.uuid())
    .bind(now)
    .fetch_all(pool)
    .await?;
    Ok(secrets)
}

/// Makes this the current secret. The one before goes on signing until `old_until`; those before that one are gone.
///
/// # Errors
/// Those of the database.
pub async fn replace_in_tx(
    connection: &mut PgConnection,
    endpoint: WebhookEndpointId,
    new: &SealedSecret,
    now: OffsetDateTime,
    old_until: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM webhook_secrets WHERE endpoint_id = $1 AND expires_at IS NOT NULL")
        .bind(endpoint.uuid())
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE webhook_secrets SET expires_at = $2 WHERE endpoint_id = $1")
        .bind(endpoint.uuid())
        .bind(old_until)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO webhook_secrets (endpoint_id, key_id, nonce, sealed, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(endpoint.uuid())
    .bind(&new.key_id)
    .bind(&new.nonce)
    .bind(&new.sealed)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
