//! Whether an account can be used: `POST /v1/accounts/{id}/freeze`, `/unfreeze` and `/close`.

use axum::extract::State;
use contract::{AccountId, account::Account as AccountView};
use service_kit::{
    auth::Scope,
    http::{OptionalJsonBody, Problem},
};

use crate::{
    domain::command::Action,
    http::{
        error,
        extract::{CommandContext, PathId},
        text::NoBody,
    },
    problem,
    writer::{Answer, Commands},
};

/// Freeze an account
///
/// Money moves neither from it nor to it; holds can still end. Needs `accounts:any`.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/freeze", tag = "accounts", operation_id = "freeze_account",
    params(
        ("id" = AccountId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    responses((status = 200, body = AccountView)),
    extensions(("x-scope" = json!("accounts:write accounts:any")), ("x-problems" = json!([problem::INVALID_STATE])))
)]
pub(super) async fn freeze(
    context: CommandContext,
    PathId(account): PathId<AccountId>,
    State(commands): State<Commands>,
    OptionalJsonBody(NoBody {}): OptionalJsonBody<NoBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::AccountsAny)?;
    submit(context, &commands, Action::FreezeAccount(account)).await
}

/// Unfreeze an account
///
/// Needs `accounts:any`: whoever is frozen cannot free himself.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/unfreeze", tag = "accounts", operation_id = "unfreeze_account",
    params(
        ("id" = AccountId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    responses((status = 200, body = AccountView)),
    extensions(("x-scope" = json!("accounts:write accounts:any")), ("x-problems" = json!([problem::INVALID_STATE])))
)]
pub(super) async fn unfreeze(
    context: CommandContext,
    PathId(account): PathId<AccountId>,
    State(commands): State<Commands>,
    OptionalJsonBody(NoBody {}): OptionalJsonBody<NoBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::AccountsAny)?;
    submit(context, &commands, Action::UnfreezeAccount(account)).await
}

/// Close an account
///
/// For good, once nothing is in it or on its way. One's own, or any with `accounts:any`.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/close", tag = "accounts", operation_id = "close_account",
    params(
        ("id" = AccountId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    responses((status = 200, body = AccountView)),
    extensions(("x-scope" = json!("accounts:write")), ("x-problems" = json!([problem::INVALID_STATE])))
)]
pub(super) async fn close(
    context: CommandContext,
    PathId(account): PathId<AccountId>,
    State(commands): State<Commands>,
    OptionalJsonBody(NoBody {}): OptionalJsonBody<NoBody>,
) -> Result<Answer, Problem> {
    submit(context, &commands, Action::CloseAccount(account)).await
}

async fn submit(context: CommandContext, commands: &Commands, action: Action) -> Result<Answer, Problem> {
    context.caller.require(Scope::AccountsWrite)?;
    commands.submit(context.command(action), context.request_id).await.map_err(error::write)
}
