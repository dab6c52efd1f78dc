//! `GET /v1/outbox`.

use axum::{Json, extract::State};
use contract::outbox::{Backlog as BacklogView, Outbox};
use service_kit::{
    auth::{Caller, Scope},
    http::Problem,
};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, Endpoints, error};
use crate::store::outbox::{self, Backlog};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// See what waits to be told
///
/// How many events, and how long the oldest of them has waited. What is published again does not count as waiting.
#[utoipa::path(
    get, path = "/v1/outbox", tag = "operations", operation_id = "read_outbox",
    responses((status = 200, body = Outbox)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn read(caller: Caller, State(Endpoints { pool, clock, .. }): State<Endpoints>) -> Result<Json<Outbox>, Problem> {
    caller.require(Scope::OpsRead)?;
    let outbox::Backlogs { relay, dispatch } = outbox::backlogs(&pool).await.map_err(error::store)?;
    let now = clock.now();
    Ok(Json(Outbox { relay: view(relay, now), dispatch: view(dispatch, now) }))
}

fn view(Backlog { events, oldest }: Backlog, now: OffsetDateTime) -> BacklogView {
    let age = |waits_since: OffsetDateTime| {
        i64::try_from((now - waits_since).whole_milliseconds().max(0)).unwrap_or(i64::MAX)
    };
    BacklogView { events, oldest_age_milliseconds: oldest.map(|oldest| age(oldest.time())) }
}
