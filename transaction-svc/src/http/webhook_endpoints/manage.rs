//! Endpoints: registered, read, changed, deleted, given a new secret.

use axum::{Json, extract::State, response::NoContent};
use contract::{WebhookEndpointId, example::webhook_endpoint_with_secret, webhook::WebhookEndpoint};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::Caller,
    http::{Cursors, JsonBody, Page, PageQuery, Problem},
};
use time::Duration;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Endpoints, registry, require,
    wire::{ChangesBody, NewEndpointBody},
};
use crate::{
    http::{Api, answer::Created, error, extract::PathId},
    problem,
    store::webhooks::registry::{self as store, NewEndpoint},
};

/// How long the secret before the current one goes on signing.
const OLD_SECRET_SIGNS: Duration = Duration::hours(24);

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, change, delete)).routes(routes!(rotate))
}

/// Register an endpoint
///
/// It is told of what happens from now on. Its secret is in this answer and in no other.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", tag = "webhooks", operation_id = "create_webhook_endpoint",
    request_body = NewEndpointBody,
    responses((status = 201, body = WebhookEndpoint, example = json!(webhook_endpoint_with_secret()))),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([problem::TOO_MANY_ENDPOINTS])))
)]
async fn create(
    caller: Caller,
    State(endpoints): State<Endpoints>,
    JsonBody(body): JsonBody<NewEndpointBody>,
) -> Result<Created<WebhookEndpoint>, Problem> {
    require(&caller)?;
    let wanted = body.read(&endpoints.allowed)?;
    let now = store::now(&endpoints.pool).await.map_err(error::store)?;
    let id = WebhookEndpointId::new(now, rand::random());
    let (secret, sealed) = endpoints.new_secret(id)?;
    let new = NewEndpoint {
        id,
        url: wanted.url,
        description: wanted.description,
        event_types: wanted.event_types,
        enabled: wanted.enabled,
        secret: sealed,
    };
    let endpoint = store::create(&endpoints.pool, new).await.map_err(registry)?;
    tracing::info!(endpoint = %id, by = %caller.subject, "Webhook endpoint {id} was registered.");
    let location = format!("/v1/webhook-endpoints/{id}");
    Ok(Created { location, body: WebhookEndpoint { secret: Some(secret.reveal()), ..endpoint } })
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NoFilters {}

const LIST: &str = "webhook_endpoints";

/// List endpoints
///
/// All of them, newest first.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", tag = "webhooks", operation_id = "list_webhook_endpoints",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<WebhookEndpoint>)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    State(endpoints): State<Endpoints>,
    State(cursors): State<Cursors>,
    PageQuery { page, filters }: PageQuery<NoFilters>,
) -> Result<Json<Page<WebhookEndpoint>>, Problem> {
    require(&caller)?;
    let before = cursors.open(LIST, &filters, &page)?;
    let rows = store::list(&endpoints.pool, before, page.limit.rows_to_fetch()).await.map_err(error::store)?;
    let cursor_after = |last: &WebhookEndpoint| cursors.seal(LIST, &filters, &last.id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |endpoint| endpoint)))
}

/// Read an endpoint
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "read_webhook_endpoint",
    params(("id" = WebhookEndpointId, Path)),
    responses((status = 200, body = WebhookEndpoint)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([])))
)]
async fn read(
    caller: Caller,
    PathId(id): PathId<WebhookEndpointId>,
    State(endpoints): State<Endpoints>,
) -> Result<Json<WebhookEndpoint>, Problem> {
    require(&caller)?;
    store::find(&endpoints.pool, id).await.map(Json).map_err(registry)
}

/// Change an endpoint
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "change_webhook_endpoint",
    params(("id" = WebhookEndpointId, Path)),
    request_body = ChangesBody,
    responses((status = 200, body = WebhookEndpoint)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([problem::CONFIGURED_ENDPOINT])))
)]
async fn change(
    caller: Caller,
    PathId(id): PathId<WebhookEndpointId>,
    State(endpoints): State<Endpoints>,
    JsonBody(body): JsonBody<ChangesBody>,
) -> Result<Json<WebhookEndpoint>, Problem> {
    require(&caller)?;
    let changes = body.read(&endpoints.allowed)?;
    let changed = store::change(&endpoints.pool, id, changes).await.map_err(registry)?;
    tracing::info!(endpoint = %id, by = %caller.subject, "Webhook endpoint {id} was changed.");
    Ok(Json(changed))
}

/// Delete an endpoint
///
/// What waits for it is not sent any more.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", tag = "webhooks", operation_id = "delete_webhook_endpoint",
    params(("id" = WebhookEndpointId, Path)),
    responses((status = 204)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([problem::CONFIGURED_ENDPOINT])))
)]
async fn delete(
    caller: Caller,
    PathId(id): PathId<WebhookEndpointId>,
    State(endpoints): State<Endpoints>,
) -> Result<NoContent, Problem> {
    require(&caller)?;
    store::delete(&endpoints.pool, id).await.map_err(registry)?;
    tracing::info!(endpoint = %id, by = %caller.subject, "Webhook endpoint {id} was deleted.");
    Ok(NoContent)
}

/// Give an endpoint a new secret
///
/// The new one is in this answer and in no other. For 24 hours webhooks are signed with the old one, too.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/rotate-secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    params(("id" = WebhookEndpointId, Path)),
    responses((status = 200, body = WebhookEndpoint, example = json!(webhook_endpoint_with_secret()))),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([problem::CONFIGURED_ENDPOINT])))
)]
async fn rotate(
    caller: Caller,
    PathId(id): PathId<WebhookEndpointId>,
    State(endpoints): State<Endpoints>,
) -> Result<Json<WebhookEndpoint>, Problem> {
    require(&caller)?;
    let (secret, sealed) = endpoints.new_secret(id)?;
    let now = endpoints.clock.now();
    let rotated = store::rotate(&endpoints.pool, id, &sealed, now, now + OLD_SECRET_SIGNS).await.map_err(registry)?;
    tracing::info!(endpoint = %id, by = %caller.subject, "The secret of webhook endpoint {id} was rotated.");
    Ok(Json(WebhookEndpoint { secret: Some(secret.reveal()), ..rotated }))
}
