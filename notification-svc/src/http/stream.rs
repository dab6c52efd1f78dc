//! `/v1/users/{user}/notifications/stream`: Server-Sent Events, as `EventSource` reads them.

use std::{future::ready, ops::Range, time::Duration};

use axum::{
    extract::{FromRequestParts, Path, State},
    http::{HeaderName, request::Parts},
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use contract::notification::Notification;
use futures_util::{StreamExt, stream};
use rand::random_range;
use serde::Deserialize;
use service_kit::{
    auth::{Caller, Scope},
    http::{Problem, ProblemKind, QueryParameters},
};
use tokio::time::Instant;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    authority::{OfUser, user_of_path},
    error,
};
use crate::live::{
    Feed,
    registry::{NoPlace, STREAMS_PER_USER},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stream_notifications))
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that collect answers before they pass them on are asked not to.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// A comment this often keeps proxies from closing the connection, and finds the ones that are gone.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a client that lost its connection comes back: not all of a replica that was stopped at the same moment.
const COME_BACK_AFTER_MS: Range<u64> = 1_000..3_000;
/// However long the token lives.
const LONGEST_STREAM: Duration = Duration::from_secs(24 * 60 * 60);
const RETRY_AFTER_SECONDS: u32 = 5;

/// What the client has received: the header that `EventSource` sends when it comes back.
#[derive(Debug, Clone, Copy)]
struct LastEventId(Option<i64>);

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(LAST_EVENT_ID) else { return Ok(Self(None)) };
        let position = value.to_str().ok().and_then(|text| text.parse().ok());
        let refused = || Problem::new(ProblemKind::MALFORMED, "The header Last-Event-ID is no position.");
        position.map(|position| Self(Some(position))).ok_or_else(refused)
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StreamQuery {
    /// The same as the header `Last-Event-ID`, for clients that cannot set one. The header comes first.
    last_event_id: Option<i64>,
}

/// Stream notifications
///
/// Server-Sent Events of the type `notification`, in the order of positions; the id is the position. Without
/// `Last-Event-ID` the stream begins now: its first block has an id and no data. With it, everything after that position
/// is sent. A stream ends with the caller's token; at most 8 of a user are open at a time.
#[utoipa::path(
    get, path = "/v1/users/{user}/notifications/stream", tag = "notifications", operation_id = "stream_notifications",
    params(OfUser, StreamQuery, ("Last-Event-ID" = Option<i64>, Header)),
    responses((
        status = 200, body = String, content_type = "text/event-stream",
        example = json!(format!("event: notification\nid: 41\ndata: {}\n\n", serde_json::json!(contract::example::notification())))
    )),
    extensions(("x-scope" = json!("notifications:read")), ("x-problems" = json!([ProblemKind::RATE_LIMITED])))
)]
async fn stream_notifications(
    caller: Caller,
    Path(OfUser { user }): Path<OfUser>,
    LastEventId(header): LastEventId,
    QueryParameters(query): QueryParameters<StreamQuery>,
    State(api): State<Api>,
) -> Result<impl IntoResponse, Problem> {
    let user = user_of_path(&caller, Scope::NotificationsRead, user)?;
    // Watched first: what is committed after the position was read is announced.
    let watch = api.live.watch(&user).map_err(no_place)?;
    let newest = api.inbox.last_position(&user).await.map_err(error::store)?;
    // Beyond the newest there is nothing to come back to, whoever gave out that id.
    let position = header.or(query.last_event_id).unwrap_or(newest).clamp(0, newest);
    let seconds_left = caller.expires.saturating_sub(api.clock.now().unix_timestamp());
    let left = Duration::from_secs(seconds_left.try_into().unwrap_or(0));
    let ends_at = Instant::now() + left.min(LONGEST_STREAM);
    let feed = Feed::new(api.inbox, watch, position, ends_at, api.stop);

    let opening =
        Event::default().id(position.to_string()).retry(Duration::from_millis(random_range(COME_BACK_AFTER_MS)));
    let events = stream::once(ready(Ok(opening))).chain(feed.into_stream().map(|notification| event(&notification)));
    Ok(([UNBUFFERED], Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))))
}

fn event(notification: &Notification) -> Result<Event, axum::Error> {
    Event::default().id(notification.position.to_string()).event("notification").json_data(notification)
}

fn no_place(reason: NoPlace) -> Problem {
    let problem = match reason {
        NoPlace::OfUser => {
            let detail = format!("{STREAMS_PER_USER} streams of this user are open.");
            Problem::new(ProblemKind::RATE_LIMITED, detail).with("limit", STREAMS_PER_USER)
        }
        NoPlace::AtAll => Problem::new(ProblemKind::OVERLOADED, "All streams that may be open here are open."),
    };
    problem.retry_after(RETRY_AFTER_SECONDS)
}
