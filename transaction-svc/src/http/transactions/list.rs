//! `GET /v1/transactions`.

use axum::{Json, extract::State};
use contract::{
    AccountId,
    transaction::{Transaction as TransactionView, TransactionStatus},
};

use serde::{Deserialize, Serialize};
use service_kit::{
    auth::{Caller, Scope},
    http::{Cursors, Page, PageQuery, Problem, ProblemKind},
};

use super::present::Presenter;
use crate::{
    domain::{text::Reference, transaction::Transaction},
    http::{error, moment::Moment},
    store::{
        Database, accounts,
        transaction_list::{self, Filter, Whose},
    },
};

/// Which transactions to list.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListFilters {
    /// Those of this account, on either side.
    account: Option<AccountId>,
    /// Those in this status.
    status: Option<TransactionStatus>,
    /// Those with this reference.
    #[param(max_length = 128, pattern = r"^[^\u0000]*$")]
    reference: Option<String>,
    /// Those created at or after this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    created_gte: Option<Moment>,
    /// Those created before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    created_lt: Option<Moment>,
}

impl ListFilters {
    fn read(&self) -> Result<Filter, Problem> {
        let moment = |moment: Option<Moment>| moment.map(|Moment(at)| at);
        let reference = self
            .reference
            .clone()
            .map(Reference::try_from)
            .transpose()
            .map_err(|error| Problem::new(ProblemKind::MALFORMED, format!("The reference {error}.")))?;
        let (created_gte, created_lt) = (moment(self.created_gte), moment(self.created_lt));
        Ok(Filter { status: self.status, reference, created_gte, created_lt })
    }
}

const LIST: &str = "transactions";

/// List transactions
///
/// Those of one's own accounts, newest first; all of them with `transactions:any`.
#[utoipa::path(
    get, path = "/v1/transactions", tag = "transactions", operation_id = "list_transactions",
    params(ListFilters, ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<TransactionView>)),
    extensions(("x-scope" = json!("transactions:read")), ("x-problems" = json!([])))
)]
pub(super) async fn list(
    caller: Caller,
    State(database): State<Database>,
    State(cursors): State<Cursors>,
    PageQuery { page, filters }: PageQuery<ListFilters>,
) -> Result<Json<Page<TransactionView>>, Problem> {
    caller.require(Scope::TransactionsRead)?;
    let any = caller.may(Scope::TransactionsAny);
    let whose = match filters.account {
        Some(account) if any || is_owner(&database, &caller, account).await? => Whose::Account(account),
        Some(_) => return Err(error::not_found()),
        None if any => Whose::Everybodys,
        None => Whose::Owner(caller.subject.to_string()),
    };
    let filter = filters.read()?;
    let question = (&whose, &filters);
    let before = cursors.open(LIST, &question, &page)?;
    let limit = page.limit.rows_to_fetch();
    let rows = transaction_list::list(&database, &whose, &filter, before, limit).await.map_err(error::store)?;
    let presenter = Presenter::load(&database, &caller, &rows).await.map_err(error::store)?;
    let cursor_after = |last: &Transaction| cursors.seal(LIST, &question, &last.id);
    Ok(Json(Page::of_rows(rows, page.limit, cursor_after, |transaction| presenter.present(&transaction))))
}

async fn is_owner(database: &Database, caller: &Caller, id: AccountId) -> Result<bool, Problem> {
    let owners = accounts::owners(database, [id]).await.map_err(error::store)?;
    Ok(owners.get(&id).is_some_and(|owner| **owner == *caller.subject))
}
