//! What was: `GET /v1/accounts/{id}/balance` and `/events`.

use axum::{Json, extract::State};
use contract::{
    AccountId,
    account::Account as AccountView,
    statement::{AccountEvent, BalanceAt, Feed},
};
use serde::Deserialize;
use service_kit::{
    auth::Caller,
    http::{PageLimit, Problem, ProblemKind, QueryParameters},
};

use super::readable;
use crate::{
    http::{error, extract::PathId, moment::Moment},
    problem,
    store::{
        Database,
        statements::{self, Past},
    },
    view,
};

/// Of which moment.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AsOf {
    /// A moment that has passed; now unless given.
    #[param(value_type = Option<String>, format = DateTime)]
    as_of: Option<Moment>,
}

/// Read a balance
///
/// Of any moment since the account was opened. What is answered once is answered for ever.
#[utoipa::path(
    get, path = "/v1/accounts/{id}/balance", tag = "accounts", operation_id = "read_balance",
    params(("id" = AccountId, Path), AsOf),
    responses((status = 200, body = BalanceAt)),
    extensions(("x-scope" = json!("accounts:read")), ("x-problems" = json!([])))
)]
pub(super) async fn balance(
    caller: Caller,
    PathId(id): PathId<AccountId>,
    State(database): State<Database>,
    QueryParameters(AsOf { as_of }): QueryParameters<AsOf>,
) -> Result<Json<BalanceAt>, Problem> {
    let account = readable(&database, &caller, id).await?;
    let AccountView { currency, balances, version, updated_at, .. } = view::account(&account);
    let Some(Moment(as_of)) = as_of else {
        return Ok(Json(BalanceAt { account: id, currency, as_of: updated_at, sequence: version, balances }));
    };
    match statements::balances_at(&database, id, as_of).await.map_err(error::store)? {
        Past::Future => Err(Problem::new(ProblemKind::MALFORMED, "The moment of as_of has not come yet.")),
        Past::Nothing => Err(error::not_found()),
        Past::Balances { sequence, balances } => {
            Ok(Json(BalanceAt { account: id, currency, as_of, sequence, balances }))
        }
    }
}

/// From where on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// The last sequence that the caller has; from the first unless given.
    #[param(minimum = 0)]
    after_sequence: Option<i64>,
    /// 1 to 200; 50 unless given.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: PageLimit,
}

/// Read what happened to an account
///
/// Every effect, in order and without a gap: what a receiver of webhooks asks for when it sees one.
#[utoipa::path(
    get, path = "/v1/accounts/{id}/events", tag = "accounts", operation_id = "list_account_events",
    params(("id" = AccountId, Path), Place),
    responses((status = 200, body = Feed<AccountEvent, i64>)),
    extensions(("x-scope" = json!("accounts:read")), ("x-problems" = json!([problem::SEQUENCE_TOO_OLD])))
)]
pub(super) async fn events(
    caller: Caller,
    PathId(id): PathId<AccountId>,
    State(database): State<Database>,
    QueryParameters(Place { after_sequence, limit }): QueryParameters<Place>,
) -> Result<Json<Feed<AccountEvent, i64>>, Problem> {
    readable(&database, &caller, id).await?;
    let after = after_sequence.unwrap_or(0);
    if after < 0 {
        return Err(Problem::new(ProblemKind::MALFORMED, "There is no sequence below 0."));
    }
    let rows = statements::events_after(&database, id, after, limit.rows_to_fetch()).await.map_err(error::store)?;
    let rows = rows.ok_or_else(problem::sequence_too_old)?;
    Ok(Json(Feed::of_rows(rows, limit.rows(), after_sequence, |event| event.sequence)))
}
