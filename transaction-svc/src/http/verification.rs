//! `/v1/verification`.

use axum::{Json, extract::State};
use service_kit::{
    auth::{Caller, Scope},
    http::Problem,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, error};
use crate::{
    operate::verify::Report,
    store::{Database, verifications},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Read the last verification
///
/// What the last verification of the books in the background found: every rule, how often it is broken, and the first
/// that break it.
#[utoipa::path(
    get, path = "/v1/verification", tag = "operations", operation_id = "read_verification",
    responses((status = 200, body = Report)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn read(caller: Caller, State(database): State<Database>) -> Result<Json<Report>, Problem> {
    caller.require(Scope::OpsRead)?;
    let report = verifications::newest(&database).await.map_err(error::store)?;
    report.map(Json).ok_or_else(error::not_found)
}
