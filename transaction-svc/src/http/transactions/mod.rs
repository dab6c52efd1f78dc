//! `/v1/transactions`.

mod create;
mod list;
mod present;
mod read;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create::create, list::list)).routes(routes!(read::read))
}
