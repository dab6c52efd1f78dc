//! `/v1/dead-letters`: what consumers gave up on.

use axum::{
    Json,
    extract::{Path, State},
};
use messaging::{StoredDeadLetter, dead_letters::Class};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::{Field, Fields, JsonBody, Page, PageQuery, Problem, ProblemKind},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{Api, error::not_found},
    failed,
    order::{self, WireOrder},
};
use crate::operate::{
    dead_letters::{Selection, Treated, Treatment},
    document::DeadLetterDocument,
};

/// The most that one request treats: it has to end within its time.
const MOST_AT_ONCE: u64 = 500;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(count))
        .routes(routes!(show))
        .routes(routes!(redrive))
        .routes(routes!(discard))
        .routes(routes!(redrive_one))
        .routes(routes!(discard_one))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct One {
    /// The id of the dead letter.
    #[param(value_type = u64)]
    dead_letter: String,
}

/// Which dead letters to list.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListFilters {
    /// Those of this consumer.
    #[param(pattern = "^[A-Za-z0-9_-]+$")]
    consumer: Option<String>,
    /// Those set aside for this reason.
    #[param(pattern = "^[A-Za-z0-9_-]+$")]
    reason: Option<String>,
}

/// How many there are of one consumer and reason.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({"consumer": "notifications", "reason": "malformed", "count": 2})))]
struct ClassCount {
    consumer: String,
    reason: String,
    count: u64,
}

/// All counts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DeadLetterCounts {
    data: Vec<ClassCount>,
}

/// Which dead letters to treat, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterTreatment, examples(json!({"only": "unsupported", "reason": "Upgraded to 0.2"})))]
struct WireTreatment {
    /// Only those of this consumer.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]+$")]
    consumer: Field<String>,
    /// Only those set aside for this reason.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]+$")]
    only: Field<String>,
    /// For the audit: 1 to 500 characters.
    #[serde(default)]
    #[schema(value_type = String, required, max_length = 500, pattern = r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
    reason: Field<String>,
}

/// What was done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLettersTreated, examples(json!({"planned": 2, "done": 2})))]
struct WireTreated {
    /// At most 500; repeat while there are more.
    planned: u64,
    done: u64,
}

impl From<Treated> for WireTreated {
    fn from(Treated { planned, done }: Treated) -> Self {
        Self { planned, done }
    }
}

const LIST: &str = "dead letters";

/// List dead letters
///
/// The oldest first, without their bytes.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "operations", operation_id = "list_dead_letters",
    params(
        ListFilters,
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, body = Page<DeadLetterDocument>)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    PageQuery { page, filters }: PageQuery<ListFilters>,
) -> Result<Json<Page<DeadLetterDocument>>, Problem> {
    caller.require(Scope::OpsRead)?;
    let after: Option<u64> = api.cursors.open(LIST, &filters, &page)?;
    let class = Class::new(filters.consumer.clone(), filters.reason.clone());
    let class = class.map_err(|error| Problem::new(ProblemKind::MALFORMED, format!("A filter {error}.")))?;
    let dead_letters = &api.operations.dead_letters;
    let letters = dead_letters.list(&class, after.unwrap_or(0), page.limit.rows_to_fetch()).await;
    let letters = letters.map_err(|error| failed(error.into()))?;
    let cursor_after = |last: &StoredDeadLetter| api.cursors.seal(LIST, &filters, &last.id);
    Ok(Json(Page::of_rows(letters, page.limit, cursor_after, |letter| DeadLetterDocument::entry(&letter))))
}

/// Count dead letters
///
/// By consumer and reason.
#[utoipa::path(
    get, path = "/v1/dead-letters/counts", tag = "operations", operation_id = "count_dead_letters",
    responses((status = 200, body = DeadLetterCounts)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn count(caller: Caller, State(api): State<Api>) -> Result<Json<DeadLetterCounts>, Problem> {
    caller.require(Scope::OpsRead)?;
    let census = api.operations.dead_letters.census(&Class::default()).await.map_err(|error| failed(error.into()))?;
    let counts = census.classes.into_iter().map(|class| {
        let messaging::dead_letters::ClassCount { consumer, reason, count } = class;
        ClassCount { consumer, reason, count }
    });
    Ok(Json(DeadLetterCounts { data: counts.collect() }))
}

/// Read a dead letter
///
/// With its bytes.
#[utoipa::path(
    get, path = "/v1/dead-letters/{dead_letter}", tag = "operations", operation_id = "get_dead_letter",
    params(One),
    responses((status = 200, body = DeadLetterDocument)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn show(
    caller: Caller,
    Path(one): Path<One>,
    State(api): State<Api>,
) -> Result<Json<DeadLetterDocument>, Problem> {
    caller.require(Scope::OpsRead)?;
    let letter = api.operations.dead_letters.get(one.id()?).await.map_err(|error| failed(error.into()))?;
    letter.map(|letter| Json(DeadLetterDocument::whole(&letter))).ok_or_else(not_found)
}

/// Redrive a dead letter
///
/// Hands it to its consumer again. If it dies once more, it comes back under another id, with its history.
#[utoipa::path(
    post, path = "/v1/dead-letters/{dead_letter}/redrive", tag = "operations", operation_id = "redrive_dead_letter",
    params(One), request_body = WireOrder,
    responses((status = 200, body = WireTreated)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([])))
)]
async fn redrive_one(
    caller: Caller,
    path: Path<One>,
    state: State<Api>,
    body: JsonBody<WireOrder>,
) -> Result<Json<WireTreated>, Problem> {
    treat_one(Treatment::Redrive, &caller, path, state, body).await
}

/// Discard a dead letter
///
/// Removes it for good; the audit keeps that it was there.
#[utoipa::path(
    post, path = "/v1/dead-letters/{dead_letter}/discard", tag = "operations", operation_id = "discard_dead_letter",
    params(One), request_body = WireOrder,
    responses((status = 200, body = WireTreated)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([])))
)]
async fn discard_one(
    caller: Caller,
    path: Path<One>,
    state: State<Api>,
    body: JsonBody<WireOrder>,
) -> Result<Json<WireTreated>, Problem> {
    treat_one(Treatment::Discard, &caller, path, state, body).await
}

async fn treat_one(
    treatment: Treatment,
    caller: &Caller,
    Path(one): Path<One>,
    State(api): State<Api>,
    JsonBody(body): JsonBody<WireOrder>,
) -> Result<Json<WireTreated>, Problem> {
    caller.require(Scope::OpsReplay)?;
    let mut fields = Fields::new();
    let order = order::read(&mut fields, caller, body.reason);
    let order = fields.finish(|| order)?;
    let selection = Selection::Ids(vec![one.id()?]);
    let treated = api.operations.treat(treatment, &selection, &order, |_| {}).await.map_err(failed)?;
    if treated.planned == 0 { Err(not_found()) } else { Ok(Json(treated.into())) }
}

/// Redrive dead letters
///
/// The oldest 500 of those selected.
#[utoipa::path(
    post, path = "/v1/dead-letters/redrive", tag = "operations", operation_id = "redrive_dead_letters",
    request_body = WireTreatment,
    responses((status = 200, body = WireTreated)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([])))
)]
async fn redrive(
    caller: Caller,
    state: State<Api>,
    body: JsonBody<WireTreatment>,
) -> Result<Json<WireTreated>, Problem> {
    treat(Treatment::Redrive, &caller, state, body).await
}

/// Discard dead letters
///
/// The oldest 500 of those selected, for good.
#[utoipa::path(
    post, path = "/v1/dead-letters/discard", tag = "operations", operation_id = "discard_dead_letters",
    request_body = WireTreatment,
    responses((status = 200, body = WireTreated)),
    extensions(("x-scope" = json!("ops:replay")), ("x-problems" = json!([])))
)]
async fn discard(
    caller: Caller,
    state: State<Api>,
    body: JsonBody<WireTreatment>,
) -> Result<Json<WireTreated>, Problem> {
    treat(Treatment::Discard, &caller, state, body).await
}

async fn treat(
    treatment: Treatment,
    caller: &Caller,
    State(api): State<Api>,
    JsonBody(body): JsonBody<WireTreatment>,
) -> Result<Json<WireTreated>, Problem> {
    caller.require(Scope::OpsReplay)?;
    let mut fields = Fields::new();
    let order = order::read(&mut fields, caller, body.reason);
    let consumer = fields.optional("/consumer", body.consumer);
    let class = Class::new(consumer, fields.optional("/only", body.only));
    if let Err(error) = class {
        fields.refuse("", "invalid", format!("consumer or only {error}"));
    }
    let (order, class) = fields.finish(|| Some((order?, class.ok()?)))?;
    let selection = Selection::Oldest(class, MOST_AT_ONCE);
    let treated = api.operations.treat(treatment, &selection, &order, |_| {}).await.map_err(failed)?;
    Ok(Json(treated.into()))
}

impl One {
    fn id(&self) -> Result<u64, Problem> {
        self.dead_letter.parse().map_err(|_| not_found())
    }
}
