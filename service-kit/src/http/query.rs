//! The query of a request as a struct.

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::problem_kind::ProblemKind;

/// Query parameters. The struct has `deny_unknown_fields`: a misspelt filter must not list everything.
#[derive(Debug, Clone, Copy)]
pub struct QueryParameters<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for QueryParameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parse(&parts.uri).map(Self)
    }
}

pub(super) fn parse<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    // Postgres cannot store it, and no filter can mean it.
    if uri.query().is_some_and(|query| query.contains("%00")) {
        let detail = "The query must not contain U+0000.";
        return Err(Problem::new(ProblemKind::MALFORMED, detail));
    }
    Query::try_from_uri(uri)
        .map(|Query(parameters)| parameters)
        .map_err(|rejection| Problem::new(ProblemKind::MALFORMED, rejection.body_text()))
}
