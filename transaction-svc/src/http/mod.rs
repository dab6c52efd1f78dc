//! The REST API: one file for each resource, with its wire structs and handlers.
//!
//! Requests become commands and queries; domain values become resources. Handlers never see rows, and a change of the ledger goes
//! to the writer, never to the database.

mod accounts;
mod answer;
mod error;
mod extract;
mod text;
mod transactions;

use axum::extract::FromRef;
use sea_orm::DatabaseConnection;
use service_kit::{auth::Verifier, http::Cursors};
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::writer::Commands;

/// What handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct Api {
    pub verifier: Verifier,
    pub commands: Commands,
    pub database: DatabaseConnection,
    pub cursors: Cursors,
}

/// Every route, with its description.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi()).merge(accounts::router()).merge(transactions::router())
}

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    router().into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "transaction-svc",
        description = "The ledger: accounts, and transactions that move money between them."
    ),
    security(("bearer" = [])),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}
