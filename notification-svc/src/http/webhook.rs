//! `POST /v1/webhooks/transactions`: the push path. The bytes are verified before anything reads them, and the answer comes
//! after the commit.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use contract::{
    event::DecodeError,
    signature::{Presented, Refusal, Secret, verify},
};
use service_kit::{
    clock::SharedClock,
    http::{Problem, ProblemKind, RawBody},
    telemetry::chain,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, answer::Received, error};
use crate::{
    ingest::{Arrival, Outcome},
    intake::Intake,
    metrics::WebhookMetrics,
    problem,
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// Whose signatures are believed.
#[derive(Debug, Clone)]
pub struct Secrets(Arc<[Secret]>);

impl Secrets {
    #[must_use]
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self(secrets.into())
    }

    fn verify(&self, headers: &HeaderMap, now: i64, body: &[u8]) -> Result<String, Refusal> {
        // A value that is not text cannot be what was signed.
        let texts = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let presented = Presented::among(texts)?;
        verify(&self.0, presented, now, body)?;
        Ok(presented.id.to_owned())
    }
}

/// Receive an event
///
/// A Standard Webhook: signed with `webhook-id` (the event's id), `webhook-timestamp` and `webhook-signature`.
#[utoipa::path(
    post, path = "/v1/webhooks/transactions", tag = "webhooks", operation_id = "receive_event",
    params(
        ("webhook-id" = String, Header, description = "The id of the event"),
        ("webhook-timestamp" = i64, Header, description = "Seconds since 1970, at most 300 from now"),
        ("webhook-signature" = String, Header, description = "`v1,<base64>`, several with spaces between them")
    ),
    request_body(content = Object, description = "The event, as it is published", example = json!(contract::example::event())),
    responses(
        (status = 202, description = "New: its notifications are stored"),
        (status = 200, description = "Known: it was stored before")
    ),
    security(()),
    extensions(
        ("x-scope" = json!("signature")),
        ("x-problems" = json!([
            ProblemKind::UNAUTHENTICATED, ProblemKind::OVERLOADED,
            problem::EVENT_CONFLICT, problem::UNSUPPORTED_EVENT, problem::REFUSED_EVENT
        ]))
    )
)]
async fn receive(
    State(secrets): State<Secrets>,
    State(clock): State<SharedClock>,
    State(intake): State<Intake>,
    State(metrics): State<WebhookMetrics>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Received, Problem> {
    let id = secrets.verify(&headers, clock.now().unix_timestamp(), &body).map_err(|rule| {
        tracing::info!(%rule, "A webhook was refused: {rule}.");
        metrics.refused("unauthenticated");
        Problem::new(ProblemKind::UNAUTHENTICATED, "The request is not signed as a webhook of the ledger is.")
    })?;
    let arrival = Arrival::decode(&body).map_err(|error| not_decoded(&error, &id, &metrics))?;
    if arrival.event.id.to_string() != id {
        metrics.refused("malformed");
        return Err(Problem::new(ProblemKind::MALFORMED, "The header webhook-id does not name the event in the body."));
    }
    match intake.take(arrival).await.map_err(error::intake)? {
        Outcome::Created(_) => Ok(Received::New),
        // Nothing is made of what is too old to be remembered, and nothing would be made of it later.
        Outcome::AlreadyKnown | Outcome::TooOld => Ok(Received::Known),
        Outcome::Conflict => {
            tracing::error!(event = id, "Event {id} came by webhook with other bytes than before.");
            Err(Problem::new(problem::EVENT_CONFLICT, "Another event with this id was received before."))
        }
        Outcome::Refused(cause) => {
            tracing::error!(event = id, cause, "Event {id} came by webhook and cannot be stored.");
            Err(Problem::new(problem::REFUSED_EVENT, "The event cannot be stored."))
        }
    }
}

fn not_decoded(failure: &DecodeError, id: &str, metrics: &WebhookMetrics) -> Problem {
    tracing::error!(event = id, cause = chain(failure), "Event {id} came by webhook and cannot be read.");
    match failure {
        DecodeError::Unsupported { .. } => {
            metrics.refused("unsupported");
            Problem::new(problem::UNSUPPORTED_EVENT, "The event is of a type or version that is not known here.")
        }
        DecodeError::Envelope(_) | DecodeError::Data { .. } => {
            metrics.refused("malformed");
            Problem::new(ProblemKind::MALFORMED, "The body is not an event of the ledger.")
        }
    }
}
