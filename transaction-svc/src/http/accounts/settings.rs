//! `PATCH /v1/accounts/{id}`.

use std::collections::BTreeMap;

use axum::extract::State;
use contract::{AccountId, MinorUnits, account::Account as AccountView};
use serde::Deserialize;
use service_kit::{
    auth::Scope,
    http::{Field, Fields, JsonBody, Problem},
};

use crate::{
    domain::{
        command::{Action, UpdateAccount},
        text::{AccountName, Metadata},
    },
    http::{
        error,
        extract::{CommandContext, PathId},
        text::{accepted, metadata_schema, optional},
    },
    problem,
    writer::{Answer, Commands},
};

/// What to change; what is absent stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({"settings_version": 1, "name": "Savings"})))]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateAccountBody {
    /// Of the settings as the caller has seen them.
    #[serde(default)]
    #[schema(value_type = i64, required)]
    settings_version: Field<i64>,
    /// At most 128 characters; null takes the name away.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128, pattern = r"^[^\u0000]*$")]
    name: Field<String>,
    /// How far the balance may fall. Below zero, or null for no limit, needs `accounts:unlimited`.
    #[serde(default)]
    #[schema(value_type = Option<MinorUnits>)]
    min_balance: Field<MinorUnits>,
    /// In place of all metadata: at most 20 keys and 4 KiB.
    #[serde(default)]
    #[schema(schema_with = metadata_schema)]
    metadata: Field<BTreeMap<String, String>>,
}

impl UpdateAccountBody {
    fn of(self, account: AccountId) -> Result<UpdateAccount, Problem> {
        let mut fields = Fields::new();
        let settings_version = fields.required("/settings_version", self.settings_version);
        let name = match fields.nullable("/name", self.name) {
            Some(Some(name)) => accepted(&mut fields, "/name", AccountName::try_from(name)).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let min_balance = fields.nullable("/min_balance", self.min_balance);
        let metadata: Option<Metadata> = optional(&mut fields, "/metadata", self.metadata);
        fields.finish(|| {
            Some(UpdateAccount { account, settings_version: settings_version?, name, min_balance, metadata })
        })
    }
}

/// Change an account's settings
///
/// Its name, its metadata or its limit, if they are still as the caller has seen them. One's own, or any with
/// `accounts:any`.
#[utoipa::path(
    patch, path = "/v1/accounts/{id}", tag = "accounts", operation_id = "update_account",
    params(
        ("id" = AccountId, Path),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")
    ),
    request_body = UpdateAccountBody,
    responses((status = 200, body = AccountView)),
    extensions(
        ("x-scope" = json!("accounts:write")),
        ("x-problems" = json!([
            problem::STALE_SETTINGS, problem::ACCOUNT_CLOSED, problem::AMOUNT_OUT_OF_RANGE
        ]))
    )
)]
pub(super) async fn update(
    context: CommandContext,
    PathId(account): PathId<AccountId>,
    State(commands): State<Commands>,
    JsonBody(body): JsonBody<UpdateAccountBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::AccountsWrite)?;
    let update = body.of(account)?;
    if update.min_balance.is_some_and(|limit| limit.is_none_or(|limit| limit < MinorUnits::ZERO)) {
        context.caller.require(Scope::AccountsUnlimited)?;
    }
    commands.submit(context.command(Action::UpdateAccount(update)), context.request_id).await.map_err(error::write)
}
