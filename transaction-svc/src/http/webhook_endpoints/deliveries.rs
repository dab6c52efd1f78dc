//! Deliveries to an endpoint: listed, sent again one by one, or all that failed.

use axum::{Json, extract::State};
use contract::{
    DeliveryId, EventId, WebhookEndpointId,
    webhook::{Delivery, DeliveryStatus},
};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::Caller,
    http::{Cursors, Field, Fields, JsonBody, Page, PageQuery, Problem},
};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Endpoints, registry, require};
use crate::{
    http::{
        Api,
        answer::Accepted,
        error,
        extract::{PathId, PathIds},
    },
    store::webhooks::{deliveries, registry::find},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resend)).routes(routes!(recover))
}

/// Which deliveries to list.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListFilters {
    /// Those in this status.
    status: Option<DeliveryStatus>,
}

const LIST: &str = "webhook_deliveries";

/// List deliveries to an endpoint
///
/// With their attempts; those of the newest events first.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}/deliveries", tag = "webhooks", operation_id = "list_webhook_deliveries",
    params(
        ("id" = WebhookEndpointId, Path), ListFilters,
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, body = Page<Delivery>)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    PathId(id): PathId<WebhookEndpointId>,
    State(endpoints): State<Endpoints>,
    State(cursors): State<Cursors>,
    PageQuery { page, filters }: PageQuery<ListFilters>,
) -> Result<Json<Page<Delivery>>, Problem> {
    require(&caller)?;
    find(&endpoints.pool, id).await.map_err(registry)?;
    let question = (id, &filters);
    let before: Option<EventId> = cursors.open(LIST, &question, &page)?;
    let limit = page.limit.rows_to_fetch();
    let rows = deliveries::list(&endpoints.pool, id, filters.status, before, limit).await.map_err(error::store)?;
    let cursor_after = |last: &Delivery| cursors.seal(LIST, &question, &last.event_id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |delivery| delivery)))
}

/// Send an event again
///
/// At once, whatever became of it before.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/deliveries/{delivery_id}/resend", tag = "webhooks",
    operation_id = "resend_webhook_delivery",
    params(("id" = WebhookEndpointId, Path), ("delivery_id" = DeliveryId, Path)),
    responses((status = 202, body = Delivery)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([])))
)]
async fn resend(
    caller: Caller,
    PathIds((endpoint, delivery)): PathIds<WebhookEndpointId, DeliveryId>,
    State(endpoints): State<Endpoints>,
) -> Result<Accepted<Delivery>, Problem> {
    require(&caller)?;
    find(&endpoints.pool, endpoint).await.map_err(registry)?;
    let now = endpoints.clock.now();
    let again = deliveries::resend(&endpoints.pool, endpoint, delivery, now).await.map_err(error::store)?;
    let again = again.ok_or_else(error::not_found)?;
    tracing::info!(%delivery, %endpoint, by = %caller.subject, "Delivery {delivery} is sent again.");
    Ok(Accepted(again))
}

/// From when on to recover.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({"since": "2026-11-23T06:00:00Z"})))]
#[serde(deny_unknown_fields)]
struct RecoverBody {
    /// Deliveries of events since then.
    #[serde(default)]
    #[schema(value_type = String, format = DateTime, required)]
    since: Field<Moment>,
}

#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Moment(#[serde(with = "contract::timestamp")] OffsetDateTime);

/// What a recovery does.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({"recovered": 12})))]
struct Recovery {
    /// How many deliveries are tried again.
    recovered: u64,
}

/// Send again what failed
///
/// Every delivery that was given up, of events since a moment, once each. Asked again, it finds nothing left to do.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/recover", tag = "webhooks", operation_id = "recover_webhook_deliveries",
    params(("id" = WebhookEndpointId, Path)),
    request_body = RecoverBody,
    responses((status = 202, body = Recovery)),
    extensions(("x-scope" = json!("webhooks:manage transactions:any")), ("x-problems" = json!([])))
)]
async fn recover(
    caller: Caller,
    PathId(id): PathId<WebhookEndpointId>,
    State(endpoints): State<Endpoints>,
    JsonBody(body): JsonBody<RecoverBody>,
) -> Result<Accepted<Recovery>, Problem> {
    require(&caller)?;
    let mut fields = Fields::new();
    let since = fields.required("/since", body.since);
    let Moment(since) = fields.finish(|| since)?;
    find(&endpoints.pool, id).await.map_err(registry)?;
    let now = endpoints.clock.now();
    let recovered = deliveries::recover(&endpoints.pool, id, since, now).await.map_err(error::store)?;
    tracing::info!(endpoint = %id, recovered, by = %caller.subject, "Failed deliveries are sent again.");
    Ok(Accepted(Recovery { recovered }))
}
