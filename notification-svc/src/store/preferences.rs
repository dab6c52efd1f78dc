//! What users want to be told. What a newer build has stored and this one does not know, a language or a type of event,
//! is passed over: nobody's notifications wait for a deployment.

use std::collections::HashMap;

use contract::EventKind;
use sqlx::{FromRow, PgConnection, PgPool};
use time::OffsetDateTime;

use super::error::StoreError;
use crate::domain::preferences::Preferences;

/// The preferences of all users.
#[derive(Debug, Clone)]
pub struct PreferenceStore {
    pool: PgPool,
}

#[derive(FromRow)]
struct Row {
    recipient: String,
    locale: String,
    muted_types: Vec<String>,
    updated_at: OffsetDateTime,
}

impl From<Row> for Preferences {
    fn from(row: Row) -> Self {
        Self {
            locale: row.locale.parse().unwrap_or_default(),
            muted_types: row.muted_types.iter().filter_map(|kind| kind.parse().ok()).collect(),
            updated_at: Some(row.updated_at),
        }
    }
}

impl PreferenceStore {
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// What the user has chosen; the defaults if nothing.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn find(&self, recipient: &str) -> Result<Preferences, StoreError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT recipient, locale, muted_types, updated_at FROM preferences WHERE recipient = $1")
                .bind(recipient)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(Preferences::from).unwrap_or_default())
    }

    /// Replaces what the user has chosen. Whatever is ingested after this has returned is judged by it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn replace(&self, recipient: &str, preferences: &Preferences) -> Result<(), StoreError> {
        let muted: Vec<_> = preferences.muted_types.iter().map(|kind| EventKind::as_str(*kind)).collect();
        sqlx::query(
            "INSERT INTO preferences (recipient, locale, muted_types, updated_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (recipient) DO UPDATE
                SET locale = excluded.locale, muted_types = excluded.muted_types, updated_at = excluded.updated_at",
        )
        .bind(recipient)
        .bind(preferences.locale.as_str())
        .bind(muted)
        .bind(preferences.updated_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// The preferences of those of these users who have chosen some.
///
/// # Errors
/// Those of the database.
pub async fn of_in_tx(
    connection: &mut PgConnection,
    recipients: &[&str],
) -> sqlx::Result<HashMap<String, Preferences>> {
    // OFFSET 0 keeps it a look-up in the primary key for each user, whatever the planner believes about the table.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT chosen.* FROM UNNEST($1::text[]) AS wanted (recipient), LATERAL (
             SELECT recipient, locale, muted_types, updated_at FROM preferences
             WHERE preferences.recipient = wanted.recipient OFFSET 0
         ) AS chosen",
    )
    .bind(recipients)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.recipient.clone(), row.into())).collect())
}
