//! What a caller may see of the ledger, asked for as that caller.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use reqwest::Client;
use serde::de::DeserializeOwned;
use service_kit::{
    http::{Problem, ProblemKind},
    session,
    telemetry::chain,
};
use url::Url;

use crate::http::error::{RETRY_AFTER_SECONDS, not_found};

/// Less than a request to us may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The ledger's API.
#[derive(Debug, Clone)]
pub struct Ledger {
    http: Client,
    /// `None`: nobody has configured where it is.
    base: Option<Url>,
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
    /// # Errors
    /// A system that has no randomness for TLS.
    pub fn new(base: Option<Url>) -> anyhow::Result<Self> {
        Ok(Self { http: Client::builder().timeout(TIMEOUT).build()?, base })
    }

    /// What the ledger answers this caller. The path begins with a slash.
    ///
    /// # Errors
    /// What it refuses, as far as the caller can do something about it; `unavailable` for the rest.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, caller: &Credentials) -> Result<T, Problem> {
        let base = self.base.as_ref().ok_or_else(|| away("Nobody has configured where the ledger is."))?;
        let mut url = base.clone();
        url.set_path(path);
        let asked = self.http.get(url).headers(caller.0.clone()).header(header::ACCEPT, "application/json");
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
