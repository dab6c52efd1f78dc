//! The REST API: one file for each resource, with its wire structs and handlers. Handlers never see rows.

mod authority;
mod error;
mod notifications;

use axum::extract::FromRef;
use service_kit::{auth::Verifier, clock::SharedClock, http::Cursors};
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::store::inbox::Inbox;

/// What handlers need.
#[derive(Debug, Clone, FromRef)]
pub struct Api {
    pub verifier: Verifier,
    pub inbox: Inbox,
    pub cursors: Cursors,
    pub clock: SharedClock,
}

/// Every route, with its description.
pub fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi()).merge(notifications::router())
}

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    router().into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "notification-svc", description = "Notifications: what the events of the ledger mean to each user."),
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
