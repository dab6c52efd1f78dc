//! `GET /v1/events`.

use axum::{Json, extract::State};
use contract::{EventId, statement::Feed};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service_kit::{
    auth::{Caller, Scope},
    http::{PageLimit, Problem, QueryParameters},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, error};
use crate::{
    problem,
    store::{
        Database,
        feed::{self, Journalled},
    },
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// From where on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Place {
    /// The last event that the caller has; from the beginning of the journal unless given.
    after: Option<EventId>,
    /// 1 to 200; 50 unless given.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: PageLimit,
}

/// An event, byte for byte as published.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, examples(contract::example::event))]
struct PublishedEvent(Box<RawValue>);

/// Read the journal
///
/// Every event once, in the order of each account. Whoever has it all asks again after the last one: nothing is ever added
/// before it.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "list_events",
    params(Place),
    responses((status = 200, body = Feed<PublishedEvent, EventId>)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([problem::SEQUENCE_TOO_OLD])))
)]
async fn list(
    caller: Caller,
    State(database): State<Database>,
    QueryParameters(Place { after, limit }): QueryParameters<Place>,
) -> Result<Json<Feed<PublishedEvent, EventId>>, Problem> {
    caller.require(Scope::OpsRead)?;
    let rows = feed::after(&database, after, limit.rows_to_fetch()).await.map_err(error::store)?;
    let rows = rows.ok_or_else(problem::sequence_too_old)?;
    let Feed { data, next_after, more } = Feed::of_rows(rows, limit.rows(), after, |event| event.id);
    let data = data.into_iter().map(published).collect::<Result<_, _>>()?;
    Ok(Json(Feed { data, next_after, more }))
}

fn published(event: Journalled) -> Result<PublishedEvent, Problem> {
    let text = String::from_utf8(event.body).map_err(|_| error::corrupt_event(event.id))?;
    RawValue::from_string(text).map(PublishedEvent).map_err(|_| error::corrupt_event(event.id))
}
