//! `/v1/transactions/{id}/refunds`.

use axum::{Json, extract::State};
use contract::{RefundId, TransactionId, transaction::Refund as RefundView};
use service_kit::{
    auth::{Caller, Scope},
    http::{Cursors, OptionalJsonBody, Page, PageQuery, Problem},
};

use super::{lifecycle::PartBody, read::readable};
use crate::{
    cache::TransactionCache,
    domain::{
        command::{Action, RefundTransaction},
        transaction::Refund,
    },
    http::{
        error,
        extract::{CommandContext, PathId, PathIds},
        text::NoBody,
    },
    problem,
    store::{Database, refunds},
    view,
    writer::{Answer, Commands},
};

/// Refund a transaction
///
/// Gives back all that is left of what was captured, or a part. For the owner of the destination, or with `transactions:any`.
#[utoipa::path(
    post, path = "/v1/transactions/{id}/refunds", tag = "transactions", operation_id = "refund_transaction",
    params(
        ("id" = TransactionId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    request_body = Option<PartBody>,
    responses((status = 201, body = RefundView)),
    extensions(
        ("x-scope" = json!("transactions:write")),
        ("x-problems" = json!([
            problem::INVALID_STATE, problem::EXCEEDS_CAPTURED, problem::INSUFFICIENT_FUNDS,
            problem::ACCOUNT_FROZEN, problem::ACCOUNT_CLOSED, problem::AMOUNT_OUT_OF_RANGE
        ]))
    )
)]
pub(super) async fn refund(
    context: CommandContext,
    PathId(transaction): PathId<TransactionId>,
    State(commands): State<Commands>,
    OptionalJsonBody(body): OptionalJsonBody<PartBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::TransactionsWrite)?;
    let refund = RefundTransaction { transaction, amount: body.amount()? };
    let command = context.command(Action::RefundTransaction(refund));
    commands.submit(command, context.request_id).await.map_err(error::write)
}

const LIST: &str = "refunds";

/// List the refunds of a transaction
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/transactions/{id}/refunds", tag = "transactions", operation_id = "list_refunds",
    params(
        ("id" = TransactionId, Path),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, body = Page<RefundView>)),
    extensions(("x-scope" = json!("transactions:read")), ("x-problems" = json!([])))
)]
pub(super) async fn list(
    caller: Caller,
    PathId(id): PathId<TransactionId>,
    State(cache): State<TransactionCache>,
    State(database): State<Database>,
    State(cursors): State<Cursors>,
    PageQuery { page, filters: NoBody {} }: PageQuery<NoBody>,
) -> Result<Json<Page<RefundView>>, Problem> {
    let transaction = &readable(&cache, &caller, id).await?.transaction;
    let before = cursors.open(LIST, &id, &page)?;
    let limit = page.limit.rows_to_fetch();
    let rows = refunds::list(&database, transaction, before, limit).await.map_err(error::store)?;
    let cursor_after = |last: &Refund| cursors.seal(LIST, &id, &last.id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |refund| view::refund(&refund))))
}

/// Read a refund
#[utoipa::path(
    get, path = "/v1/transactions/{id}/refunds/{refund}", tag = "transactions", operation_id = "read_refund",
    params(("id" = TransactionId, Path), ("refund" = RefundId, Path)),
    responses((status = 200, body = RefundView)),
    extensions(("x-scope" = json!("transactions:read")), ("x-problems" = json!([])))
)]
pub(super) async fn read(
    caller: Caller,
    PathIds((id, refund)): PathIds<TransactionId, RefundId>,
    State(cache): State<TransactionCache>,
    State(database): State<Database>,
) -> Result<Json<RefundView>, Problem> {
    let transaction = &readable(&cache, &caller, id).await?.transaction;
    let found = refunds::find(&database, transaction, refund).await.map_err(error::store)?;
    found.map(|refund| Json(view::refund(&refund))).ok_or_else(error::not_found)
}
