//! `/v1/replays`: planned first, started for as many events as the plan has found, and run by the service.

use axum::{
    Json,
    extract::{Path, State},
};
use contract::{AccountId, EventKind, ReplayId};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::{Field, Fields, JsonBody, Page, PageQuery, Problem, ProblemKind},
    telemetry::chain,
};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        Api,
        authority::is_user,
        error::{self, not_found},
    },
    order,
};
use crate::{
    operate::replay::{Replay, ReplayError, RunsIn, Selection},
    problem,
};

/// More than the platform can do.
const HIGHEST_RATE: u32 = 1_000_000;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, plan))
        .routes(routes!(show))
        .routes(routes!(execute))
        .routes(routes!(cancel))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct One {
    /// The id of the replay.
    #[param(value_type = ReplayId)]
    replay: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
struct Moment(#[serde(with = "contract::timestamp")] OffsetDateTime);

/// Which events to replay, and why: those to which all of this applies.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReplay, examples(json!({"since": "2026-11-23T06:00:00Z", "user": "alice", "reason": "alice saw nothing"})))]
struct WireReplay {
    /// Those that happened at this time or later.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Field<Moment>,
    /// Those that happened before.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Field<Moment>,
    /// From this sequence of the stream on.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    from_sequence: Field<u64>,
    /// Up to this sequence of the stream.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    to_sequence: Field<u64>,
    /// Those that touch this account.
    #[serde(default)]
    #[schema(value_type = Option<AccountId>)]
    account: Field<AccountId>,
    /// Those that touch an account of this user.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_.:@-]{1,128}$")]
    user: Field<String>,
    /// Those of these types.
    #[serde(default)]
    #[schema(value_type = Option<Vec<EventKind>>)]
    types: Field<Vec<EventKind>>,
    /// Without it: as fast as possible.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    events_per_second: Field<u32>,
    /// For the audit: 1 to 500 characters.
    #[serde(default)]
    #[schema(value_type = String, required, max_length = 500, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    reason: Field<String>,
}

/// What the caller has seen in the plan.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayExecution, examples(json!({"expect": 12})))]
struct WireExecution {
    /// The number of events in the plan.
    #[serde(default)]
    #[schema(value_type = u64, required)]
    expect: Field<u64>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NoFilters {}

const LIST: &str = "replays";

/// List replays
///
/// The newest first: their plans, how far they have come, who wanted them, and why.
#[utoipa::path(
    get, path = "/v1/replays", tag = "operations", operation_id = "list_replays",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<Replay>)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    PageQuery { page, filters }: PageQuery<NoFilters>,
) -> Result<Json<Page<Replay>>, Problem> {
    caller.require(Scope::OpsRead)?;
    let before = api.cursors.open(LIST, &filters, &page)?;
    let rows = api.operations.replays.list(before, page.limit.rows_to_fetch()).await.map_err(error::store)?;
    let cursor_after = |last: &Replay| api.cursors.seal(LIST, &filters, &last.id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |replay| replay)))
}

/// Plan a replay
///
/// Counts in the background what the replay would do; nothing is changed. Once its status is `planned`, execute it.
#[utoipa::path(
    post, path = "/v1/replays", tag = "operations", operation_id = "plan_replay",
    request_body = WireReplay,
    responses((status = 200, body = Replay)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([])))
)]
async fn plan(
    caller: Caller,
    State(api): State<Api>,
    JsonBody(body): JsonBody<WireReplay>,
) -> Result<Json<Replay>, Problem> {
    caller.require(Scope::OpsReplay)?;
    let mut fields = Fields::new();
    let order = order::read(&mut fields, &caller, body.reason);
    let mut sequence = |pointer, field| {
        let sequence = fields.optional(pointer, field);
        if sequence.is_some_and(|sequence| i64::try_from(sequence).is_err()) {
            fields.refuse(pointer, "out_of_range", "no stream is that long");
        }
        sequence
    };
    let [from_sequence, to_sequence] = [("/from_sequence", body.from_sequence), ("/to_sequence", body.to_sequence)]
        .map(|(at, field)| sequence(at, field));
    let selection = Selection {
        since: fields.optional("/since", body.since).map(|Moment(at)| at),
        until: fields.optional("/until", body.until).map(|Moment(at)| at),
        from_sequence,
        to_sequence,
        account: fields.optional("/account", body.account),
        user: fields.optional("/user", body.user),
        types: fields.optional("/types", body.types).unwrap_or_default(),
    };
    if selection.user.as_ref().is_some_and(|user| !is_user(user)) {
        fields.refuse("/user", "invalid", "expected the sub of a user");
    }
    let rate = fields.optional("/events_per_second", body.events_per_second);
    if rate.is_some_and(|rate| !(1..=HIGHEST_RATE).contains(&rate)) {
        fields.refuse("/events_per_second", "out_of_range", format!("expected 1 to {HIGHEST_RATE}"));
    }
    let order = fields.finish(|| order)?;
    let replay = api.operations.request_replay(selection, rate, order, RunsIn::Service).await.map_err(failed)?;
    Ok(Json(replay))
}

/// Read a replay
#[utoipa::path(
    get, path = "/v1/replays/{replay}", tag = "operations", operation_id = "get_replay",
    params(One),
    responses((status = 200, body = Replay)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn show(caller: Caller, Path(one): Path<One>, State(api): State<Api>) -> Result<Json<Replay>, Problem> {
    caller.require(Scope::OpsRead)?;
    let replay = api.operations.replays.get(one.id()?).await.map_err(error::store)?;
    replay.map(Json).ok_or_else(not_found)
}

/// Execute a replay
///
/// Starts it, if it was planned for as many events as expected.
#[utoipa::path(
    post, path = "/v1/replays/{replay}/execute", tag = "operations", operation_id = "execute_replay",
    params(One), request_body = WireExecution,
    responses((status = 200, body = Replay)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([problem::INVALID_STATE])))
)]
async fn execute(
    caller: Caller,
    Path(one): Path<One>,
    State(api): State<Api>,
    JsonBody(body): JsonBody<WireExecution>,
) -> Result<Json<Replay>, Problem> {
    caller.require(Scope::OpsReplay)?;
    let mut fields = Fields::new();
    let expect = fields.required("/expect", body.expect);
    let expect = fields.finish(|| expect)?;
    api.operations.start_replay(one.id()?, expect).await.map(Json).map_err(failed)
}

/// Cancel a replay
///
/// One that has not ended. What it has done stays done.
#[utoipa::path(
    post, path = "/v1/replays/{replay}/cancel", tag = "operations", operation_id = "cancel_replay",
    params(One),
    responses((status = 200, body = Replay)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([problem::INVALID_STATE])))
)]
async fn cancel(caller: Caller, Path(one): Path<One>, State(api): State<Api>) -> Result<Json<Replay>, Problem> {
    caller.require(Scope::OpsReplay)?;
    api.operations.cancel_replay(one.id()?).await.map(Json).map_err(failed)
}

impl One {
    fn id(&self) -> Result<ReplayId, Problem> {
        self.replay.parse().map_err(|_| not_found())
    }
}

fn failed(failure: ReplayError) -> Problem {
    match failure {
        ReplayError::Unknown => not_found(),
        ReplayError::WrongStatus(status) => {
            Problem::new(problem::INVALID_STATE, format!("The replay is {status}, and this cannot be done to it."))
        }
        ReplayError::NotAsExpected { planned, expected } => {
            let detail = format!("The plan is for {planned} events, not {expected}: look at it again.");
            Problem::new(problem::INVALID_STATE, detail).with("planned", planned)
        }
        ReplayError::Store(failure) => error::store(failure),
        ReplayError::Held | ReplayError::AnotherStream | ReplayError::Stream(_) | ReplayError::Ingest(_) => {
            tracing::warn!(cause = chain(&failure), "A replay failed for now.");
            Problem::new(ProblemKind::UNAVAILABLE, "The replays are unavailable.")
                .retry_after(error::RETRY_AFTER_SECONDS)
        }
    }
}
