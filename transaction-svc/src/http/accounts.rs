//! `/v1/accounts`.

mod entries;
mod history;
mod settings;
mod status;

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use contract::{AccountId, Currency, MinorUnits, account::Account as AccountView};

use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::{Conditional, Cursors, Field, Fields, IfNoneMatch, JsonBody, Page, PageQuery, Problem, ProblemKind},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, error,
    extract::{CommandContext, PathId},
    text::{accepted, metadata_schema, optional},
};
use crate::{
    domain::{
        account::Account,
        command::{Action, OpenAccount},
        text::{AccountName, Metadata, Owner},
    },
    store::{Database, accounts},
    view,
    writer::{Answer, Commands},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(open, list))
        .routes(routes!(read, settings::update))
        .routes(routes!(entries::list))
        .routes(routes!(history::balance))
        .routes(routes!(history::events))
        .routes(routes!(status::freeze))
        .routes(routes!(status::unfreeze))
        .routes(routes!(status::close))
}

/// What to open.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({"owner": "alice", "currency": "EUR", "name": "Checking"})))]
#[serde(deny_unknown_fields)]
struct OpenAccountBody {
    /// The `sub` of the holder: 1 to 128 characters of `A-Z a-z 0-9 _ . : @ -`.
    #[serde(default)]
    #[schema(value_type = String, required, pattern = "^[A-Za-z0-9_.:@-]{1,128}$")]
    owner: Field<String>,
    #[serde(default)]
    #[schema(value_type = Currency, required)]
    currency: Field<Currency>,
    /// At most 128 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128, pattern = r"^[^\u0000]*$")]
    name: Field<String>,
    /// How far the balance may fall: "0" unless given. Below zero, or null for no limit, needs `accounts:unlimited`.
    #[serde(default)]
    #[schema(value_type = Option<MinorUnits>)]
    min_balance: Field<MinorUnits>,
    /// Whether the owner is notified; true unless given.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    notify: Field<bool>,
    /// At most 20 keys and 4 KiB.
    #[serde(default)]
    #[schema(schema_with = metadata_schema)]
    metadata: Field<BTreeMap<String, String>>,
}

impl TryFrom<OpenAccountBody> for OpenAccount {
    type Error = Problem;

    fn try_from(body: OpenAccountBody) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        let owner = fields
            .required("/owner", body.owner)
            .and_then(|owner| accepted(&mut fields, "/owner", Owner::try_from(owner.as_str())));
        let currency = fields.required("/currency", body.currency);
        let name: Option<AccountName> = optional(&mut fields, "/name", body.name);
        let min_balance = fields.nullable("/min_balance", body.min_balance).unwrap_or(Some(MinorUnits::ZERO));
        // Below the lowest limit, what an empty account has available could not be counted.
        if min_balance.is_some_and(|limit| limit > MinorUnits::ZERO || MinorUnits::ZERO.checked_sub(limit).is_none()) {
            let detail = "a new account is empty: its limit is at most 0, and at least -9223372036854775807";
            fields.refuse("/min_balance", "out_of_range", detail);
        }
        let notify = fields.optional("/notify", body.notify).unwrap_or(true);
        let metadata: Option<Metadata> = optional(&mut fields, "/metadata", body.metadata);
        let metadata = metadata.unwrap_or_default();
        fields.finish(|| Some(Self { owner: owner?, currency: currency?, name, min_balance, notify, metadata }))
    }
}

/// Open an account
///
/// For oneself, or for anybody with `accounts:any`.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "accounts", operation_id = "open_account",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = OpenAccountBody,
    responses((status = 201, body = AccountView)),
    extensions(("x-scope" = json!("accounts:write")), ("x-problems" = json!([])))
)]
async fn open(
    context: CommandContext,
    State(commands): State<Commands>,
    JsonBody(body): JsonBody<OpenAccountBody>,
) -> Result<Answer, Problem> {
    let caller = &context.caller;
    caller.require(Scope::AccountsWrite)?;
    let open = OpenAccount::try_from(body)?;
    if *open.owner.as_str() != *caller.subject {
        caller.require(Scope::AccountsAny)?;
    }
    if open.min_balance.is_none_or(|limit| limit < MinorUnits::ZERO) {
        caller.require(Scope::AccountsUnlimited)?;
    }
    commands.submit(context.command(Action::OpenAccount(open)), context.request_id).await.map_err(error::write)
}

/// Read an account
///
/// One's own, or any with `accounts:any`.
#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "accounts", operation_id = "read_account",
    params(("id" = AccountId, Path), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = AccountView),
        (status = 304, description = "The caller has it.")
    ),
    extensions(("x-scope" = json!("accounts:read")), ("x-problems" = json!([])))
)]
async fn read(
    caller: Caller,
    PathId(id): PathId<AccountId>,
    if_none_match: IfNoneMatch,
    State(database): State<Database>,
) -> Result<Conditional<Json<AccountView>>, Problem> {
    let account = readable(&database, &caller, id).await?;
    Ok(if_none_match.unless_had(view::account_etag(&account), || Json(view::account(&account))))
}

/// Which accounts to list.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListFilters {
    /// Whose accounts; one's own unless given. Those of others need `accounts:any`.
    #[param(pattern = "^[A-Za-z0-9_.:@-]{1,128}$")]
    owner: Option<String>,
}

const LIST: &str = "accounts";

/// List accounts
///
/// One's own, newest first.
#[utoipa::path(
    get, path = "/v1/accounts", tag = "accounts", operation_id = "list_accounts",
    params(ListFilters, ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<AccountView>)),
    extensions(("x-scope" = json!("accounts:read")), ("x-problems" = json!([])))
)]
async fn list(
    caller: Caller,
    State(database): State<Database>,
    State(cursors): State<Cursors>,
    PageQuery { page, filters }: PageQuery<ListFilters>,
) -> Result<Json<Page<AccountView>>, Problem> {
    caller.require(Scope::AccountsRead)?;
    let owner = filters.owner.as_deref().unwrap_or(&caller.subject);
    if *owner != *caller.subject {
        caller.require(Scope::AccountsAny)?;
        let refused = |error| Problem::new(ProblemKind::MALFORMED, format!("The owner {error}."));
        Owner::try_from(owner).map_err(refused)?;
    }
    // A cursor is for the caller who was given it: without a filter, whose accounts is part of the question.
    let question = (owner, &filters);
    let before = cursors.open(LIST, &question, &page)?;
    let rows = accounts::list(&database, owner, before, page.limit.rows_to_fetch()).await.map_err(error::store)?;
    let cursor_after = |last: &Account| cursors.seal(LIST, &question, &last.id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |account| view::account(&account))))
}

/// The account, if there is one that the caller may read.
async fn readable(database: &Database, caller: &Caller, id: AccountId) -> Result<Account, Problem> {
    caller.require(Scope::AccountsRead)?;
    let may_read = |account: &Account| caller.may(Scope::AccountsAny) || *caller.subject == *account.owner.as_str();
    let account = accounts::find(database, id).await.map_err(error::store)?;
    account.filter(may_read).ok_or_else(error::not_found)
}
