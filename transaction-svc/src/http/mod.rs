//! The REST API: one file for each resource, with its wire structs and handlers.
//!
//! Requests become commands and queries; domain values become resources. Handlers never see rows, and a change of the ledger goes
//! to the writer, never to the database.

mod accounts;
mod answer;
mod error;
mod events;
mod extract;
mod moment;
mod outbox;
mod text;
mod transactions;
mod verification;
mod webhook_endpoints;

use axum::{Router, extract::FromRef};
use serde_json::Value;

use service_kit::{
    auth::Verifier,
    http::{Cursors, docs},
    openapi::{self, BearerToken},
    session::{self, Sessions},
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{cache::TransactionCache, problem, store::Database, writer::Commands};

pub use webhook_endpoints::Endpoints;

/// What handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct Api {
    pub verifier: Verifier,
    pub commands: Commands,
    pub database: Database,
    pub cursors: Cursors,
    pub cache: TransactionCache,
    pub sessions: Sessions,
    pub endpoints: Endpoints,
}

/// Every route, with its description.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(accounts::router())
        .merge(events::router())
        .merge(outbox::router())
        .merge(transactions::router())
        .merge(verification::router())
        .merge(session::router())
        .merge(webhook_endpoints::router())
}

/// The OpenAPI document of the API.
#[must_use]
pub fn document() -> Value {
    openapi::document(router().into_openapi(), problem::ALL)
}

/// What needs no token: the document, and pages that explain the API.
pub fn documentation() -> Router {
    docs(&document(), problem::ALL)
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "transaction-svc",
        description = "The ledger: accounts, and transactions that move money between them."
    ),
    security(("bearer" = []), ("session" = [])),
    modifiers(&BearerToken)
)]
struct Document;
