//! The journal of the ledger, read over its API page by page, with a token of our own.

use std::{error::Error, time::Duration};

use contract::{EventId, event::DecodeError, statement::Feed};
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use crate::{ingest::Arrival, ledger::LedgerApi};

const TIMEOUT: Duration = Duration::from_secs(10);
const LARGEST_PAGE: &str = "200";

/// The journal does not answer as agreed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger does not answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("the ledger answers {0}")]
    Refused(u16),
    #[error("the answer of the ledger makes no sense")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    #[error("an event of the journal cannot be read")]
    Event(#[from] DecodeError),
}

/// The journal, as we see it.
#[derive(Debug)]
pub struct Ledger {
    api: LedgerApi,
    token: SecretString,
}

impl Ledger {
    /// The token needs the scope `ops:read`.
    #[must_use]
    pub fn new(api: LedgerApi, token: SecretString) -> Self {
        Self { api, token }
    }

    /// The next page. A place from before the journal is its beginning.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub async fn events_after(&self, after: Option<EventId>) -> Result<Feed<Arrival, EventId>, LedgerError> {
        let mut asked = self.api.get("/v1/events").query(&[("limit", LARGEST_PAGE)]).timeout(TIMEOUT);
        if let Some(after) = after {
            asked = asked.query(&[("after", after.to_string())]);
        }
        let asked = asked.bearer_auth(self.token.expose_secret());
        let answer = asked.send().await.map_err(LedgerError::NoAnswer)?;
        match answer.status().as_u16() {
            200 => {}
            // The journal does not go back so far.
            410 if after.is_some() => return Box::pin(self.events_after(None)).await,
            status => return Err(LedgerError::Refused(status)),
        }
        let bytes = answer.bytes().await.map_err(LedgerError::NoAnswer)?;
        let page: Feed<&RawValue, EventId> =
            serde_json::from_slice(&bytes).map_err(|error| LedgerError::Unreadable(error.into()))?;
        let Feed { data, next_after, more } = page;
        let data = data.into_iter().map(|event| Arrival::decode(event.get().as_bytes())).collect::<Result<_, _>>()?;
        Ok(Feed { data, next_after, more })
    }
}
