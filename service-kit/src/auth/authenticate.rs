//! [`Caller`] as an extractor: it answers 401 to a request without a valid bearer token or session, and 429 to a caller
//! who asks too much; it comes before the body, so that strangers' bodies are not read.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::caller::Caller;
use super::jwt::{TokenError, Verifier};
use crate::http::{Problem, ProblemKind};

const RETRY_AFTER_SECONDS: u32 = 1;

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let verifier = Verifier::from_ref(state);
        let caller = match bearer_token(&parts.headers) {
            Some(token) => by_token(&verifier, token).await?,
            None => by_session(&verifier, parts).await?,
        };
        if let Some(limit) = verifier.limit() {
            limit.admit(&caller).await?;
        }
        Ok(caller)
    }
}

async fn by_token(verifier: &Verifier, token: &str) -> Result<Caller, Problem> {
    verifier.verify(token).await.map_err(|error| {
        tracing::debug!(cause = %error, "Token refused.");
        match error {
            TokenError::NoKeys => Problem::new(ProblemKind::UNAVAILABLE, "Tokens cannot be verified at the moment.")
                .retry_after(RETRY_AFTER_SECONDS),
            _ => unauthenticated("The bearer token is not valid."),
        }
    })
}

/// For a request that does not even try to show a token.
async fn by_session(verifier: &Verifier, parts: &Parts) -> Result<Caller, Problem> {
    let required = || unauthenticated("A bearer token or a session is required.");
    let sessions = verifier.sessions().filter(|_| !parts.headers.contains_key(AUTHORIZATION)).ok_or_else(required)?;
    sessions.caller(parts).await?.ok_or_else(required)
}

/// One `Authorization: Bearer <token>`; with two, nobody knows which one a proxy looked at.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn unauthenticated(detail: &'static str) -> Problem {
    Problem::new(ProblemKind::UNAUTHENTICATED, detail)
}
