//! What Redis knows of a session.

use std::time::Duration;

use contract::SessionId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::IDLE;
use crate::auth::{Caller, Scopes};

/// How long a stream may go on before its reader has to show the session again: it may have been revoked.
const BELIEVED_FOR: time::Duration = time::Duration::seconds(30);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: SessionId,
    pub(super) issuer: String,
    pub(super) subject: String,
    /// As in the claim of a token.
    pub(super) scope: String,
    /// What the browser calls itself.
    pub(super) client: String,
    #[serde(with = "time::serde::timestamp")]
    pub(super) created_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    pub(super) last_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp")]
    pub(super) ends_at: OffsetDateTime,
}

impl Record {
    pub(super) fn caller(&self, now: OffsetDateTime) -> Caller {
        Caller {
            issuer: self.issuer.as_str().into(),
            subject: self.subject.as_str().into(),
            scopes: Scopes::parse(&self.scope),
            expires: self.ends_at.min(now + BELIEVED_FOR).unix_timestamp(),
            session: Some(self.id),
        }
    }

    /// How long it may lie unused from now on; `None` when it is over.
    pub(super) fn left(&self, now: OffsetDateTime) -> Option<Duration> {
        let until_end = Duration::try_from(self.ends_at - now).ok()?;
        (!until_end.is_zero()).then_some(until_end.min(IDLE))
    }
}
