//! `/v1/sessions`.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::SessionId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::record::Record;
use super::store::Sessions;
use super::token::SessionToken;
use super::{ABSOLUTE, ABSOLUTE_OF_CONSOLE, cookie, csrf};
use crate::auth::{Caller, Scope, Verifier};
use crate::http::{Explanation, Field, Fields, OptionalJsonBody, Problem, ProblemKind};

/// What a session must not be able to do, where a stolen cookie could do it for half a day.
const POWERFUL: [Scope; 6] = [
    Scope::AccountsAny,
    Scope::AccountsUnlimited,
    Scope::TransactionsAny,
    Scope::NotificationsAny,
    Scope::OpsRead,
    Scope::OpsReplay,
];
const LONGEST_CLIENT: usize = 200;
pub const TOO_MANY_SESSIONS: ProblemKind =
    ProblemKind::refusal("too_many_sessions", "Too many sessions", StatusCode::CONFLICT).explained(&Explanation {
        meaning: "The user has as many sessions as one may have.",
        remedy: "End one: `DELETE /v1/sessions/{id}`.",
    });

/// The routes, for whichever service the public host sends them to.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
    Verifier: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(create, list, revoke_all)).routes(routes!(revoke))
}

/// What the session is for.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({"console": false})))]
#[serde(deny_unknown_fields)]
struct SessionBody {
    /// Whether it is an operator's, for the console: it may do what the token may, and lasts an hour.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    console: Field<bool>,
}

/// A session as its user sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SessionView {
    id: SessionId,
    /// What the browser called itself.
    #[schema(examples("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"))]
    client: String,
    #[serde(with = "contract::timestamp")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// To the minute.
    #[serde(with = "contract::timestamp")]
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: OffsetDateTime,
    /// At the latest; unused for 30 minutes it ends earlier.
    #[serde(with = "contract::timestamp")]
    #[schema(value_type = String, format = DateTime)]
    ends_at: OffsetDateTime,
    /// Whether it is the one that asks.
    current: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NewSession {
    #[serde(flatten)]
    session: SessionView,
    /// To be sent as `X-CSRF-Token` with everything that changes something.
    #[schema(examples("pZ3Vv0cV8n0V4b8tq1Qd2oJm6yq0G8h7m1xwR5s2KfE"))]
    csrf_token: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SessionList {
    data: Vec<SessionView>,
}

impl SessionView {
    fn of(record: Record, caller: &Caller) -> Self {
        let Record { id, client, created_at, last_seen_at, ends_at, .. } = record;
        Self { id, client, created_at, last_seen_at, ends_at, current: caller.session == Some(id) }
    }
}

/// Begin a session
///
/// Trades a bearer token for the cookie `__Host-session`, which both services accept instead of it.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", operation_id = "create_session",
    request_body = Option<SessionBody>,
    responses((status = 201, body = NewSession)),
    extensions(("x-scope" = json!("none")), ("x-problems" = json!([TOO_MANY_SESSIONS, ProblemKind::FORBIDDEN])))
)]
async fn create(
    caller: Caller,
    State(sessions): State<Sessions>,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody<SessionBody>,
) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let console = fields.optional("/console", body.console).unwrap_or(false);
    fields.finish(|| Some(()))?;
    let forbidden = |detail: &'static str| Problem::new(ProblemKind::FORBIDDEN, detail);
    if caller.session.is_some() {
        return Err(forbidden("A session begins with a bearer token, not with another session."));
    }
    if console {
        caller.require(Scope::OpsRead)?;
    } else if POWERFUL.into_iter().any(|scope| caller.may(scope)) {
        return Err(forbidden("A token that may do this much is not traded for a session, except for the console."));
    }
    let (now, lasts) = (sessions.now(), if console { ABSOLUTE_OF_CONSOLE } else { ABSOLUTE });
    let token = SessionToken::generate();
    // As it will be read: records keep seconds.
    let begins = now.truncate_to_second();
    let record = Record {
        id: SessionId::new(now, rand::random()),
        issuer: caller.issuer.to_string(),
        subject: caller.subject.to_string(),
        scope: caller.scopes.to_claim(),
        client: client(&headers),
        created_at: begins,
        last_seen_at: begins,
        ends_at: begins + lasts,
    };
    if !sessions.create(&token, &record).await? {
        return Err(Problem::new(TOO_MANY_SESSIONS, "You have as many sessions as one may have: end one first."));
    }
    let session = SessionView::of(record, &caller);
    let body = Json(NewSession { session, csrf_token: csrf::token(&token) });
    let headers = [
        (header::SET_COOKIE, cookie::set(&token, lasts)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::CREATED, headers, body).into_response())
}

/// List one's sessions
///
/// The newest first.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions", operation_id = "list_sessions",
    responses((status = 200, body = SessionList)),
    extensions(("x-scope" = json!("none")), ("x-problems" = json!([])))
)]
async fn list(caller: Caller, State(sessions): State<Sessions>) -> Result<Json<SessionList>, Problem> {
    let records = sessions.list(&caller).await?;
    Ok(Json(SessionList { data: records.into_iter().map(|record| SessionView::of(record, &caller)).collect() }))
}

/// End a session
///
/// One of one's own; the next request with it is answered 401.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions", operation_id = "revoke_session",
    params(("id" = SessionId, Path)),
    responses((status = 204)),
    extensions(("x-scope" = json!("none")), ("x-problems" = json!([])))
)]
async fn revoke(
    caller: Caller,
    OwnSession(id): OwnSession,
    State(sessions): State<Sessions>,
) -> Result<Response, Problem> {
    if !sessions.revoke(&caller, id).await? {
        return Err(not_found());
    }
    Ok(ended(caller.session == Some(id)))
}

/// End all one's sessions
#[utoipa::path(
    delete, path = "/v1/sessions", tag = "sessions", operation_id = "revoke_sessions",
    responses((status = 204)),
    extensions(("x-scope" = json!("none")), ("x-problems" = json!([])))
)]
async fn revoke_all(caller: Caller, State(sessions): State<Sessions>) -> Result<Response, Problem> {
    sessions.revoke_all(&caller).await?;
    Ok(ended(caller.session.is_some()))
}

/// A browser need not keep the cookie of a session that has ended.
fn ended(is_current: bool) -> Response {
    if is_current {
        (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::unset())]).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// The id in the path. One that cannot be an id names nothing, so it is not found.
struct OwnSession(SessionId);

impl<S: Send + Sync> FromRequestParts<S> for OwnSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        text.ok().and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(not_found)
    }
}

fn not_found() -> Problem {
    Problem::new(ProblemKind::NOT_FOUND, "There is nothing here that you may read.")
}

fn client(headers: &HeaderMap) -> String {
    let name = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    name.chars().take(LONGEST_CLIENT).collect()
}
