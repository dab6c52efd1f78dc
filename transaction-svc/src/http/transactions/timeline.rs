//! `GET /v1/transactions/{id}/timeline`.

use axum::{Json, extract::State};
use contract::{
    TransactionId,
    timeline::{Step, Timeline},
};
use service_kit::{
    auth::{Caller, Scope},
    http::Problem,
};

use super::read::readable;
use crate::{
    cache::TransactionCache,
    http::{error, extract::PathId},
    store::{self, Database},
};

/// Read the life of a transaction
///
/// When each of its events was accepted, committed and published, and every attempt to deliver it, the first step first. For
/// whoever may read the transaction: both parties see when the notification service was told; to whom else it was sent,
/// and what went wrong with it, is for `transactions:any`. Where events were published and sent is kept for 90 days.
#[utoipa::path(
    get, path = "/v1/transactions/{id}/timeline", tag = "transactions", operation_id = "read_transaction_timeline",
    params(("id" = TransactionId, Path)),
    responses((status = 200, body = Timeline)),
    extensions(("x-scope" = json!("transactions:read")), ("x-problems" = json!([])))
)]
pub(super) async fn timeline(
    caller: Caller,
    PathId(id): PathId<TransactionId>,
    State(cache): State<TransactionCache>,
    State(database): State<Database>,
) -> Result<Json<Timeline>, Problem> {
    readable(&cache, &caller, id).await?;
    let sees_everything = caller.may(Scope::TransactionsAny);
    let mut timeline = store::timeline::timeline(&database, id, sees_everything).await.map_err(error::store)?;
    for step in &mut timeline.steps {
        if let Step::Attempted { attempt, .. } = &mut step.step {
            // It names machines of ours.
            attempt.error = attempt.error.take().filter(|_| sees_everything);
        }
    }
    Ok(Json(timeline))
}
