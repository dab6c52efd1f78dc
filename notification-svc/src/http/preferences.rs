//! `/v1/users/{user}/preferences`. The user `me` is the caller.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, State},
};
use contract::{
    EventKind,
    notification::{Locale, Preferences as PreferencesView},
};
use serde::Deserialize;
use service_kit::{
    auth::{Caller, Scope},
    http::{Conditional, EntityTag, Field, Fields, IfNoneMatch, JsonBody, Problem},
};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, BUILD,
    authority::{OfUser, user_of_path},
    error,
};
use crate::domain::preferences::Preferences;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read, replace))
}

/// What to be told from now on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PreferencesBody {
    #[serde(default)]
    #[schema(value_type = Locale, required)]
    locale: Field<Locale>,
    /// Of these types of events the user is not told.
    #[serde(default)]
    #[schema(value_type = Vec<EventKind>, required)]
    muted_types: Field<BTreeSet<EventKind>>,
}

impl PreferencesBody {
    fn read(self, now: OffsetDateTime) -> Result<Preferences, Problem> {
        let mut fields = Fields::new();
        let locale = fields.required("/locale", self.locale);
        let muted_types = fields.required("/muted_types", self.muted_types);
        fields.finish(|| Some(Preferences { locale: locale?, muted_types: muted_types?, updated_at: Some(now) }))
    }
}

/// Read preferences
///
/// What the user is told, and in which language: everything in English, unless the user has chosen.
#[utoipa::path(
    get, path = "/v1/users/{user}/preferences", tag = "preferences", operation_id = "read_preferences",
    params(OfUser, ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = PreferencesView),
        (status = 304, description = "The caller has it.")
    ),
    extensions(("x-scope" = json!("notifications:read")), ("x-problems" = json!([])))
)]
async fn read(
    caller: Caller,
    Path(OfUser { user }): Path<OfUser>,
    if_none_match: IfNoneMatch,
    State(api): State<Api>,
) -> Result<Conditional<Json<PreferencesView>>, Problem> {
    let user = user_of_path(&caller, Scope::NotificationsRead, user)?;
    let view = view(api.preferences.find(&user).await.map_err(error::store)?);
    Ok(if_none_match.unless_had(tag(&user, &view), || Json(view)))
}

/// Replace preferences
///
/// Notifications of muted types are kept and neither listed, counted nor streamed. Events are judged as they come in: what
/// was told already stays, in its language.
#[utoipa::path(
    put, path = "/v1/users/{user}/preferences", tag = "preferences", operation_id = "replace_preferences",
    params(OfUser), request_body = PreferencesBody,
    responses((status = 200, body = PreferencesView)),
    extensions(("x-scope" = json!("notifications:write")), ("x-problems" = json!([])))
)]
async fn replace(
    caller: Caller,
    Path(OfUser { user }): Path<OfUser>,
    State(api): State<Api>,
    JsonBody(body): JsonBody<PreferencesBody>,
) -> Result<Conditional<Json<PreferencesView>>, Problem> {
    let user = user_of_path(&caller, Scope::NotificationsWrite, user)?;
    let preferences = body.read(api.clock.now())?;
    api.preferences.replace(&user, &preferences).await.map_err(error::store)?;
    let view = view(preferences);
    Ok(Conditional::Changed(tag(&user, &view), Json(view)))
}

fn view(preferences: Preferences) -> PreferencesView {
    let Preferences { locale, muted_types, updated_at } = preferences;
    PreferencesView { locale, muted_types, updated_at }
}

fn tag(user: &str, view: &PreferencesView) -> EntityTag {
    EntityTag::digest(&(BUILD, user, view))
}
