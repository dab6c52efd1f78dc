//! `GET /v1/transactions/{id}`.

use axum::{Json, extract::State};
use contract::{TransactionId, transaction::Transaction as TransactionView};

use service_kit::{
    auth::{Caller, Scope},
    http::{Conditional, IfNoneMatch, Problem, ProblemDocument},
};

use super::present::Presenter;
use crate::{
    domain::transaction::Transaction,
    http::{error, extract::PathId},
    store::{Database, transactions},
    view,
};

/// Read a transaction
///
/// One of one's own accounts, on either side, or any with `transactions:any`.
#[utoipa::path(
    get, path = "/v1/transactions/{id}", tag = "transactions", operation_id = "read_transaction",
    params(("id" = TransactionId, Path), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = TransactionView),
        (status = 304, description = "The caller has it."),
        (status = "4XX", body = ProblemDocument<'static>, content_type = "application/problem+json")
    ),
    extensions(("x-scope" = json!("transactions:read")))
)]
pub(super) async fn read(
    caller: Caller,
    PathId(id): PathId<TransactionId>,
    if_none_match: IfNoneMatch,
    State(database): State<Database>,
) -> Result<Conditional<Json<TransactionView>>, Problem> {
    let (transaction, presenter) = readable(&database, &caller, id).await?;
    Ok(if_none_match.unless_had(view::transaction_etag(&transaction), || Json(presenter.present(&transaction))))
}

/// The transaction, and what is needed to show it, if there is one that the caller may read.
pub(super) async fn readable<'a>(
    database: &Database,
    caller: &'a Caller,
    id: TransactionId,
) -> Result<(Transaction, Presenter<'a>), Problem> {
    caller.require(Scope::TransactionsRead)?;
    let found = transactions::find(database, id).await.map_err(error::store)?;
    let transaction = found.ok_or_else(error::not_found)?;
    let presenter =
        Presenter::load(database, caller, std::slice::from_ref(&transaction)).await.map_err(error::store)?;
    if presenter.may_read(&transaction) { Ok((transaction, presenter)) } else { Err(error::not_found()) }
}
