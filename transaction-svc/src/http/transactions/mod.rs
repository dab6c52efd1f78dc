//! `/v1/transactions`.

mod create;
mod lifecycle;
mod list;
mod present;
mod read;
mod refunds;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(read::read))
        .routes(routes!(lifecycle::capture))
        .routes(routes!(lifecycle::void))
        .routes(routes!(refunds::refund, refunds::list))
        .routes(routes!(refunds::read))
}
