//! `/v1/transactions`.

mod batch;
mod create;
mod lifecycle;
mod list;
mod present;
mod read;
mod refunds;
mod timeline;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;

/// Of a batch; every other body is smaller.
const BATCH_BODY_BYTES: usize = 1 << 20;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .merge(OpenApiRouter::new().routes(routes!(batch::create_all)).layer(DefaultBodyLimit::max(BATCH_BODY_BYTES)))
        .routes(routes!(read::read))
        .routes(routes!(lifecycle::capture))
        .routes(routes!(lifecycle::void))
        .routes(routes!(refunds::refund, refunds::list))
        .routes(routes!(refunds::read))
        .routes(routes!(timeline::timeline))
}
