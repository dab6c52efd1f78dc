//! Sessions, for who serves browsers. The cookie itself is the browser's.

use contract::{SessionId, timestamp};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Error, Transactions};

/// A session of the caller's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Session {
    pub id: SessionId,
    /// What the browser called itself.
    pub client: String,
    #[serde(with = "timestamp")]
    pub created_at: OffsetDateTime,
    #[serde(with = "timestamp")]
    pub last_seen_at: OffsetDateTime,
    #[serde(with = "timestamp")]
    pub ends_at: OffsetDateTime,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A session that has just begun.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NewSession {
    #[serde(flatten)]
    pub session: Session,
    /// To be sent as `X-CSRF-Token` with everything that changes something.
    pub csrf_token: String,
}

#[derive(Deserialize)]
struct Sessions {
    data: Vec<Session>,
}

#[derive(Serialize)]
struct Purpose {
    console: bool,
}

impl Transactions {
    /// Trades the token for a session; `console` is for operators.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn begin_session(&self, console: bool) -> Result<NewSession, Error> {
        self.0.order("/v1/sessions", &Purpose { console }).await
    }

    /// The caller's sessions, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn sessions(&self) -> Result<Vec<Session>, Error> {
        let Sessions { data } = self.0.get("/v1/sessions", &()).await?;
        Ok(data)
    }

    /// # Errors
    /// [`Error`]
    pub async fn end_session(&self, id: SessionId) -> Result<(), Error> {
        self.0.delete(&format!("/v1/sessions/{id}")).await
    }

    /// Ends all sessions of the caller's.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn end_sessions(&self) -> Result<(), Error> {
        self.0.delete("/v1/sessions").await
    }
}
