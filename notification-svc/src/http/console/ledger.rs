//! What a caller may see of the ledger, asked for as that caller.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;
use service_kit::{
    http::{Problem, ProblemKind},
    session,
    telemetry::chain,
};

use crate::{
    http::error::{RETRY_AFTER_SECONDS, not_found},
    ledger::LedgerApi,
};

/// Less than a request to us may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The ledger, as a caller of ours sees it.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// `None`: nobody has configured where it is.
    api: Option<LedgerApi>,
}

/// What a caller has shown to be let in, to be shown to the ledger in turn.
#[derive(Debug, Clone)]
pub(super) struct Credentials(HeaderMap);

impl<S: Sync> FromRequestParts<S> for Credentials {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let mut shown = HeaderMap::new();
        if let Some(token) = parts.headers.get(header::AUTHORIZATION) {
            shown.insert(header::AUTHORIZATION, token.clone());
        }
        // Other cookies are none of the ledger's business.
        if let Some(cookie) = session::cookie_of(&parts.headers) {
            shown.insert(header::COOKIE, cookie);
        }
        Ok(Self(shown))
    }
}

impl Ledger {
    #[must_use]
    pub fn new(api: Option<LedgerApi>) -> Self {
        Self { api }
    }

    /// What the ledger answers this caller. The path begins with a slash.
    ///
    /// # Errors
    /// What it refuses, as far as the caller can do something about it; `unavailable` for the rest.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, caller: &Credentials) -> Result<T, Problem> {
        let api = self.api.as_ref().ok_or_else(|| away("Nobody has configured where the ledger is."))?;
        let asked = api.get(path).headers(caller.0.clone()).timeout(TIMEOUT);
        let failed = |error: reqwest::Error| {
            tracing::warn!(cause = chain(&error), path, "The ledger does not answer.");
            away("The ledger does not answer.")
        };
        let answer = asked.send().await.map_err(failed)?;
        match answer.status().as_u16() {
            200 => answer.json().await.map_err(failed),
            401 => Err(Problem::new(ProblemKind::UNAUTHENTICATED, "The ledger does not know the caller.")),
            403 => Err(Problem::new(ProblemKind::FORBIDDEN, "The ledger does not allow this.")),
            404 => Err(not_found()),
            status => {
                tracing::warn!(status, path, "The ledger answers {status}.");
                Err(away("The ledger does not answer as expected."))
            }
        }
    }
}

fn away(detail: &'static str) -> Problem {
    Problem::new(ProblemKind::UNAVAILABLE, detail).retry_after(RETRY_AFTER_SECONDS)
}
