//! `/v1/users/{user}/notifications`. The user `me` is the caller.

use axum::{
    Json,
    extract::{Path, State},
};
use contract::{
    EventKind, NotificationId,
    notification::{Notification, NotificationCounts, NotificationStatus},
};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::{Conditional, EntityTag, IfNoneMatch, Page, PageQuery, Problem},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, BUILD,
    authority::{OfUser, user_of_path},
    error,
};
use crate::store::inbox::Filter;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(counts))
        .routes(routes!(read))
        .routes(routes!(unread))
        .routes(routes!(archive))
        .routes(routes!(read_all))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct OneOfUser {
    /// The `sub` of the user, or `me`.
    user: String,
    #[param(value_type = NotificationId)]
    id: String,
}

/// Which notifications to list.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListFilters {
    /// Those in this status.
    status: Option<NotificationStatus>,
    /// Those about events of this type.
    r#type: Option<EventKind>,
}

const LIST: &str = "notifications";

/// List notifications
///
/// Newest first, by position.
#[utoipa::path(
    get, path = "/v1/users/{user}/notifications", tag = "notifications", operation_id = "list_notifications",
    params(
        OfUser, ListFilters, ("If-None-Match" = Option<String>, Header),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)
    ),
    responses(
        (status = 200, body = Page<Notification>),
        (status = 304, description = "The caller has it.")
    ),
    extensions(("x-scope" = json!("notifications:read")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    Path(OfUser { user }): Path<OfUser>,
    if_none_match: IfNoneMatch,
    State(api): State<Api>,
    PageQuery { page, filters }: PageQuery<ListFilters>,
) -> Result<Conditional<Json<Page<Notification>>>, Problem> {
    let user = user_of_path(&caller, Scope::NotificationsRead, user)?;
    let question = (&user, &filters);
    let before: Option<i64> = api.cursors.open(LIST, &question, &page)?;
    let rows_to_fetch = page.limit.rows_to_fetch();
    // What a page shows follows from the question and the version of the inbox: one small row tells whether it is had.
    let tag = |version: i64| EntityTag::digest(&(BUILD, &question, rows_to_fetch, before, version));
    if !if_none_match.is_empty() {
        let current = tag(api.inbox.version(&user).await.map_err(error::store)?);
        if if_none_match.has(&current) {
            return Ok(Conditional::Unchanged(current));
        }
    }
    let filter = Filter { status: filters.status, kind: filters.r#type };
    let listed = api.inbox.list(&user, filter, before, rows_to_fetch).await.map_err(error::store)?;
    let cursor_after = |last: &Notification| api.cursors.seal(LIST, &question, &last.position);
    let shown = Page::of_rows(listed.notifications, page.limit, cursor_after, |notification| notification);
    Ok(Conditional::Changed(tag(listed.version), Json(shown)))
}

/// Count notifications
///
/// How many there are in each status.
#[utoipa::path(
    get, path = "/v1/users/{user}/notifications/counts", tag = "notifications", operation_id = "count_notifications",
    params(OfUser, ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = NotificationCounts),
        (status = 304, description = "The caller has it.")
    ),
    extensions(("x-scope" = json!("notifications:read")), ("x-problems" = json!([])))
)]
async fn counts(
    caller: Caller,
    Path(OfUser { user }): Path<OfUser>,
    if_none_match: IfNoneMatch,
    State(api): State<Api>,
) -> Result<Conditional<Json<NotificationCounts>>, Problem> {
    let user = user_of_path(&caller, Scope::NotificationsRead, user)?;
    let counts = api.inbox.counts(&user).await.map_err(error::store)?;
    let tag = EntityTag::digest(&(BUILD, &user, counts));
    Ok(if_none_match.unless_had(tag, || Json(counts)))
}

/// Mark a notification read
///
/// Whatever its status was; one that was archived comes back.
#[utoipa::path(
    post, path = "/v1/users/{user}/notifications/{id}/read", tag = "notifications", operation_id = "read_notification",
    params(OneOfUser),
    responses((status = 200, body = Notification)),
    extensions(("x-scope" = json!("notifications:write")), ("x-problems" = json!([])))
)]
async fn read(caller: Caller, path: Path<OneOfUser>, state: State<Api>) -> Result<Json<Notification>, Problem> {
    change(&caller, path, state, NotificationStatus::Read).await
}

/// Mark a notification unread
///
/// Whatever its status was; one that was archived comes back.
#[utoipa::path(
    post, path = "/v1/users/{user}/notifications/{id}/unread", tag = "notifications", operation_id = "unread_notification",
    params(OneOfUser),
    responses((status = 200, body = Notification)),
    extensions(("x-scope" = json!("notifications:write")), ("x-problems" = json!([])))
)]
async fn unread(caller: Caller, path: Path<OneOfUser>, state: State<Api>) -> Result<Json<Notification>, Problem> {
    change(&caller, path, state, NotificationStatus::Unread).await
}

/// Archive a notification
#[utoipa::path(
    post, path = "/v1/users/{user}/notifications/{id}/archive", tag = "notifications", operation_id = "archive_notification",
    params(OneOfUser),
    responses((status = 200, body = Notification)),
    extensions(("x-scope" = json!("notifications:write")), ("x-problems" = json!([])))
)]
async fn archive(caller: Caller, path: Path<OneOfUser>, state: State<Api>) -> Result<Json<Notification>, Problem> {
    change(&caller, path, state, NotificationStatus::Archived).await
}

async fn change(
    caller: &Caller,
    Path(OneOfUser { user, id }): Path<OneOfUser>,
    State(api): State<Api>,
    status: NotificationStatus,
) -> Result<Json<Notification>, Problem> {
    let user = user_of_path(caller, Scope::NotificationsWrite, user)?;
    let id = id.parse().map_err(|_| error::not_found())?;
    let changed = api.inbox.change(&user, id, status, api.clock.now()).await.map_err(error::store)?;
    changed.map(Json).ok_or_else(error::not_found)
}

/// Mark all notifications read
///
/// Those that were unread when the request began. Answers with how many there are now in each status.
#[utoipa::path(
    post, path = "/v1/users/{user}/notifications/read-all", tag = "notifications", operation_id = "read_all_notifications",
    params(OfUser),
    responses((status = 200, body = NotificationCounts)),
    extensions(("x-scope" = json!("notifications:write")), ("x-problems" = json!([])))
)]
async fn read_all(
    caller: Caller,
    Path(OfUser { user }): Path<OfUser>,
    State(api): State<Api>,
) -> Result<Json<NotificationCounts>, Problem> {
    let user = user_of_path(&caller, Scope::NotificationsWrite, user)?;
    api.inbox.read_all(&user, api.clock.now()).await.map(Json).map_err(error::store)
}
