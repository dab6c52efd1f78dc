//! The journal of the ledger, read over its API page by page, with a token of our own.

use std::{error::Error, time::Duration};

use contract::{EventId, event::DecodeError, statement::Feed};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;
use url::Url;

use crate::ingest::Arrival;

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

/// The API of the ledger.
#[derive(Debug)]
pub struct Ledger {
    http: Client,
    events: Url,
    token: SecretString,
}

impl Ledger {
    /// The token needs the scope `ops:read`.
    ///
    /// # Errors
    /// An address that is none, or a system that has no randomness for TLS.
    pub fn new(url: &Url, token: SecretString) -> anyhow::Result<Self> {
        let http = Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { http, events: url.join("/v1/events")?, token })
    }

    /// The next page. A place from before the journal is its beginning.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub async fn events_after(&self, after: Option<EventId>) -> Result<Feed<Arrival, EventId>, LedgerError> {
        let mut url = self.events.clone();
        url.query_pairs_mut().append_pair("limit", LARGEST_PAGE);
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", &after.to_string());
        }
        let asked = self.http.get(url).bearer_auth(self.token.expose_secret());
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
