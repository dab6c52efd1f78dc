//! `/v1/operations`: who did what to the queues, when and why.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::{Page, PageQuery, Problem},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{Api, error};
use crate::store::audit::Operation;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

const LIST: &str = "operations";

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NoFilters {}

/// List operations
///
/// The audit of what operators did to the queues, the newest first. Replays are listed by themselves.
#[utoipa::path(
    get, path = "/v1/operations", tag = "operations", operation_id = "list_operations",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<Operation>)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    PageQuery { page, filters }: PageQuery<NoFilters>,
) -> Result<Json<Page<Operation>>, Problem> {
    caller.require(Scope::OpsRead)?;
    let before = api.cursors.open(LIST, &filters, &page)?;
    let rows = api.operations.audit.list(before, page.limit.rows_to_fetch()).await.map_err(error::store)?;
    let cursor_after = |last: &Operation| api.cursors.seal(LIST, &filters, &last.id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |operation| operation)))
}
