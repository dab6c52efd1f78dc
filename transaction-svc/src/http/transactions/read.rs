//! `GET /v1/transactions/{id}`.

use std::sync::Arc;

use axum::{Json, extract::State};
use contract::{TransactionId, transaction::Transaction as TransactionView};

use service_kit::{
    auth::{Caller, Scope},
    http::{Conditional, EntityTag, IfNoneMatch, Problem},
};

use crate::{
    cache::{Entry, TransactionCache},
    http::{error, extract::PathId},
};

/// Read a transaction
///
/// One of one's own accounts, on either side, or any with `transactions:any`.
#[utoipa::path(
    get, path = "/v1/transactions/{id}", tag = "transactions", operation_id = "read_transaction",
    params(("id" = TransactionId, Path), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = TransactionView),
        (status = 304, description = "The caller has it.")
    ),
    extensions(("x-scope" = json!("transactions:read")), ("x-problems" = json!([])))
)]
pub(super) async fn read(
    caller: Caller,
    PathId(id): PathId<TransactionId>,
    if_none_match: IfNoneMatch,
    State(cache): State<TransactionCache>,
) -> Result<Conditional<Json<TransactionView>>, Problem> {
    let entry = readable(&cache, &caller, id).await?;
    let sees = |owner: &str| caller.may(Scope::AccountsAny) || *owner == *caller.subject;
    Ok(if_none_match.unless_had(EntityTag::numbered(entry.version()), || Json(entry.shown(sees))))
}

/// The transaction, if there is one that the caller may read.
pub(super) async fn readable(
    cache: &TransactionCache,
    caller: &Caller,
    id: TransactionId,
) -> Result<Arc<Entry>, Problem> {
    caller.require(Scope::TransactionsRead)?;
    let found = cache.find(id).await.map_err(error::store)?;
    let may_read = |entry: &Entry| caller.may(Scope::TransactionsAny) || entry.has_owner(&caller.subject);
    found.filter(|entry| may_read(entry)).ok_or_else(error::not_found)
}
