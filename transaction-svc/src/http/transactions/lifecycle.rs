//! What becomes of a hold: `POST /v1/transactions/{id}/capture` and `/void`.

use axum::extract::State;
use contract::{Amount, TransactionId, transaction::Transaction as TransactionView};
use serde::Deserialize;
use service_kit::{
    auth::Scope,
    http::{Field, Fields, OptionalJsonBody, Problem},
};

use crate::{
    domain::command::{Action, CaptureTransaction},
    http::{
        error,
        extract::{CommandContext, PathId},
        text::NoBody,
    },
    problem,
    writer::{Answer, Commands},
};

/// How much of it.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartBody {
    /// All of it unless given.
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    amount: Field<Amount>,
}

impl PartBody {
    pub(super) fn amount(self) -> Result<Option<Amount>, Problem> {
        let mut fields = Fields::new();
        let amount = fields.optional("/amount", self.amount);
        fields.finish(|| Some(amount))
    }
}

/// Capture a hold
///
/// Moves all that is held, or a part and releases the rest. For the owner of the destination, or with `transactions:any`,
/// and only before the hold expires.
#[utoipa::path(
    post, path = "/v1/transactions/{id}/capture", tag = "transactions", operation_id = "capture_transaction",
    params(
        ("id" = TransactionId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    request_body = Option<PartBody>,
    responses((status = 200, body = TransactionView)),
    extensions(
        ("x-scope" = json!("transactions:write")),
        ("x-problems" = json!([
            problem::INVALID_STATE, problem::ACCOUNT_FROZEN, problem::ACCOUNT_CLOSED, problem::AMOUNT_OUT_OF_RANGE
        ]))
    )
)]
pub(super) async fn capture(
    context: CommandContext,
    PathId(transaction): PathId<TransactionId>,
    State(commands): State<Commands>,
    OptionalJsonBody(body): OptionalJsonBody<PartBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::TransactionsWrite)?;
    let capture = CaptureTransaction { transaction, amount: body.amount()? };
    let command = context.command(Action::CaptureTransaction(capture));
    commands.submit(command, context.request_id).await.map_err(error::write)
}

/// Void a hold
///
/// Releases what is held. For the owner of the destination, or with `transactions:any`.
#[utoipa::path(
    post, path = "/v1/transactions/{id}/void", tag = "transactions", operation_id = "void_transaction",
    params(
        ("id" = TransactionId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    responses((status = 200, body = TransactionView)),
    extensions(("x-scope" = json!("transactions:write")), ("x-problems" = json!([problem::INVALID_STATE])))
)]
pub(super) async fn void(
    context: CommandContext,
    PathId(transaction): PathId<TransactionId>,
    State(commands): State<Commands>,
    OptionalJsonBody(NoBody {}): OptionalJsonBody<NoBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::TransactionsWrite)?;
    let command = context.command(Action::VoidTransaction(transaction));
    commands.submit(command, context.request_id).await.map_err(error::write)
}
