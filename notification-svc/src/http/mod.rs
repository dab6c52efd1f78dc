//! The REST API: one file for each resource, with its wire structs and handlers. Handlers never see rows.

mod answer;
mod authority;
mod console;
mod error;
mod notifications;
mod operations;
mod preferences;
mod stream;
mod webhook;

use axum::{Router, extract::FromRef};
use serde_json::Value;
use service_kit::{
    auth::Verifier,
    clock::SharedClock,
    http::{Cursors, docs},
    openapi::{self, BearerToken},
    session::{self, Sessions},
};
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    intake::Intake,
    live::Registry,
    metrics::WebhookMetrics,
    operate::Operations,
    problem,
    store::{inbox::Inbox, preferences::PreferenceStore},
};

pub use console::Ledger;
pub use webhook::Secrets;

/// Part of every entity tag: another build may show the same rows differently.
const BUILD: &str = env!("CARGO_PKG_VERSION");

/// What handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct Api {
    pub verifier: Verifier,
    pub inbox: Inbox,
    pub preferences: PreferenceStore,
    pub live: Registry,
    /// Streams end when it is cancelled.
    pub stop: CancellationToken,
    pub operations: Operations,
    pub ledger: Ledger,
    pub sessions: Sessions,
    pub cursors: Cursors,
    pub clock: SharedClock,
    pub secrets: Secrets,
    pub intake: Intake,
    pub webhook_metrics: WebhookMetrics,
}

/// Every route, with its description.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(notifications::router())
        .merge(preferences::router())
        .merge(stream::router())
        .merge(webhook::router())
        .merge(operations::router())
        .merge(console::router())
        .merge(session::router())
}

/// The OpenAPI document of the API.
#[must_use]
pub fn document() -> Value {
    openapi::document(router().into_openapi(), problem::ALL)
}

/// What needs no token: the document, pages that explain the API, and the console's page.
pub fn documentation() -> Router {
    docs(&document(), problem::ALL).merge(console::page())
}

#[derive(OpenApi)]
#[openapi(
    info(title = "notification-svc", description = "Notifications: what the events of the ledger mean to each user."),
    security(("bearer" = []), ("session" = [])),
    modifiers(&BearerToken)
)]
struct Document;
