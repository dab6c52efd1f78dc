//! The operators' console: its page, and what it shows beside the routes of `operations`.
//!
//! What the ledger knows is asked of the ledger as the operator, with the operator's own token or session: this service
//! adds no authority of its own, and a page speaks to one origin only.

mod ledger;
mod page;

use axum::{
    Json,
    extract::{Path, State},
};
use contract::{
    EventId, TransactionId,
    outbox::Outbox,
    timeline::{Step, Timeline, TimelineStep},
    transaction::Transaction,
};
use messaging::dead_letters::Class;
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::Problem,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use ledger::Ledger;
pub(super) use page::router as page;

use self::ledger::Credentials;
use super::{
    Api,
    error::{self, not_found},
    operations::failed,
};
use crate::{
    operate::consumer::{ConsumerStatus, example},
    store::told::{Told, of_events},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(overview)).routes(routes!(transactions)).routes(routes!(timeline))
}

/// How the queues are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({
    "outbox": contract::example::outbox(), "consumers": [example("notification-svc"), example("notification-svc-redrive")],
    "dead_letters": 2
})))]
struct Overview {
    /// What the ledger has not told yet; null while it does not answer.
    outbox: Option<Outbox>,
    /// The consumer of events, and the one of those that were redriven.
    consumers: [ConsumerStatus; 2],
    /// How many there are.
    dead_letters: u64,
}

/// See how the queues are
#[utoipa::path(
    get, path = "/v1/console/overview", tag = "console", operation_id = "read_overview",
    responses((status = 200, body = Overview)),
    extensions(("x-scope" = json!("ops:read")), ("x-problems" = json!([])))
)]
async fn overview(
    caller: Caller,
    State(Api { operations, ledger, .. }): State<Api>,
    credentials: Credentials,
) -> Result<Json<Overview>, Problem> {
    caller.require(Scope::OpsRead)?;
    let class = Class::default();
    let (outbox, consumers, census) = tokio::join!(
        ledger.get("/v1/outbox", &credentials),
        operations.consumer_status(),
        operations.dead_letters.census(&class)
    );
    let consumers = consumers.map_err(failed)?;
    let census = census.map_err(|error| failed(error.into()))?;
    let dead_letters = census.classes.iter().map(|class| class.count).sum();
    // What the ledger says is missing where it is away, and the rest is worth the more.
    Ok(Json(Overview { outbox: outbox.ok(), consumers, dead_letters }))
}

/// The newest transactions.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct NewestTransactions {
    data: Vec<Transaction>,
}

/// See the newest transactions
///
/// The 50 newest that the caller may read, as the ledger has them.
#[utoipa::path(
    get, path = "/v1/console/transactions", tag = "console", operation_id = "list_newest_transactions",
    responses((status = 200, body = NewestTransactions)),
    extensions(("x-scope" = json!("ops:read transactions:read")), ("x-problems" = json!([])))
)]
async fn transactions(
    caller: Caller,
    State(ledger): State<Ledger>,
    credentials: Credentials,
) -> Result<Json<NewestTransactions>, Problem> {
    require_reader(&caller)?;
    ledger.get("/v1/transactions", &credentials).await.map(Json)
}

/// See the whole life of a transaction
///
/// As the ledger tells it, and when each party's notification was stored.
#[utoipa::path(
    get, path = "/v1/console/transactions/{id}/timeline", tag = "console", operation_id = "read_whole_timeline",
    params(("id" = TransactionId, Path)),
    responses((status = 200, body = Timeline)),
    extensions(("x-scope" = json!("ops:read transactions:read")), ("x-problems" = json!([])))
)]
async fn timeline(
    caller: Caller,
    Path(id): Path<String>,
    State(Api { operations, ledger, .. }): State<Api>,
    credentials: Credentials,
) -> Result<Json<Timeline>, Problem> {
    require_reader(&caller)?;
    let id: TransactionId = id.parse().map_err(|_| not_found())?;
    let mut timeline: Timeline = ledger.get(&format!("/v1/transactions/{id}/timeline"), &credentials).await?;
    let mut events: Vec<EventId> = timeline.steps.iter().map(|step| step.event_id).collect();
    events.sort_unstable();
    events.dedup();
    for told in of_events(operations.pool(), &events).await.map_err(error::store)? {
        let place = timeline.steps.partition_point(|step| step.at <= told.at);
        timeline.steps.insert(place, notified(told));
    }
    Ok(Json(timeline))
}

fn require_reader(caller: &Caller) -> Result<(), Problem> {
    caller.require(Scope::OpsRead)?;
    caller.require(Scope::TransactionsRead)
}

fn notified(Told { event, kind, user, notification, muted, at }: Told) -> TimelineStep {
    let step = Step::Notified { user, notification_id: notification, muted };
    TimelineStep { at, event_id: event, r#type: Some(kind), step }
}
