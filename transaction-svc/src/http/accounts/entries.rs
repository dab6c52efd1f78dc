//! `GET /v1/accounts/{id}/entries`: a statement, a page at a time, or all of it as CSV.

use std::fmt::Write;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use contract::{AccountId, Currency, example::entry, statement::Entry, timestamp};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use service_kit::{
    auth::Caller,
    http::{Cursors, Page, PageQuery, Problem},
    telemetry::chain,
};

use super::readable;
use crate::{
    http::{error, extract::PathId, moment::Moment},
    store::{
        Database, StoreError,
        statements::{self, Direction, Period},
    },
};

/// Which entries.
#[derive(Debug, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeriodFilters {
    /// Those at or after this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    occurred_gte: Option<Moment>,
    /// Those before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    occurred_lt: Option<Moment>,
}

const LIST: &str = "entries";
const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
const HEAD: &str = "sequence,occurred_at,transaction,amount,balance,currency\r\n";
/// How many entries of a CSV are in memory at a time.
const CHUNK: u64 = 1_000;

/// Read a statement
///
/// The account's entries with its running balance, newest first. With `Accept: text/csv` all of them, oldest first.
#[utoipa::path(
    get, path = "/v1/accounts/{id}/entries", tag = "accounts", operation_id = "list_entries",
    params(
        ("id" = AccountId, Path), PeriodFilters,
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)
    ),
    responses((status = 200, content(
        (Page<Entry> = "application/json"), (String = "text/csv", example = json!(csv_example()))
    ))),
    extensions(("x-scope" = json!("accounts:read")), ("x-problems" = json!([])))
)]
pub(super) async fn list(
    caller: Caller,
    PathId(id): PathId<AccountId>,
    State(database): State<Database>,
    State(cursors): State<Cursors>,
    headers: HeaderMap,
    PageQuery { page, filters }: PageQuery<PeriodFilters>,
) -> Result<Response, Problem> {
    let account = readable(&database, &caller, id).await?;
    let moment = |moment: Option<Moment>| moment.map(|Moment(at)| at);
    let period =
        Period { account: id, occurred_gte: moment(filters.occurred_gte), occurred_lt: moment(filters.occurred_lt) };
    if wants_csv(&headers) {
        return Ok(
            ([(header::CONTENT_TYPE, CSV)], Body::from_stream(csv(database, period, account.currency))).into_response()
        );
    }
    let question = (id, &filters);
    let before = cursors.open(LIST, &question, &page)?;
    let direction = Direction::NewestFirst { before };
    let rows = statements::entries(&database, period, direction, page.limit.rows_to_fetch()).await;
    let cursor_after = |last: &Entry| cursors.seal(LIST, &question, &last.sequence);
    Ok(Json(Page::of_rows(rows.map_err(error::store)?, page.limit, cursor_after, |entry| entry)).into_response())
}

fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| range.split(';').next().map(str::trim) == Some("text/csv"))
}

/// The lines, a chunk at a time as the reader takes them. A failure in the middle breaks the answer off, so that nobody takes a
/// part for the whole.
fn csv(database: Database, period: Period, currency: Currency) -> impl Stream<Item = Result<String, StoreError>> {
    stream::try_unfold(Some((None, HEAD.to_owned())), move |state| {
        let database = database.clone();
        async move {
            let Some((after, mut text)) = state else { return Ok(None) };
            let entries = statements::entries(&database, period, Direction::OldestFirst { after }, CHUNK).await;
            let entries = entries.inspect_err(|error| {
                tracing::error!(account = %period.account, cause = chain(error), "A statement was broken off.");
            })?;
            for entry in &entries {
                line(&mut text, entry, currency);
            }
            let is_last = (entries.len() as u64) < CHUNK;
            let next = entries.last().filter(|_| !is_last).map(|last| (Some(last.sequence), String::new()));
            Ok(Some((text, next)))
        }
    })
}

fn csv_example() -> String {
    let mut text = HEAD.to_owned();
    line(&mut text, &entry(), Currency::EUR);
    text
}

/// Numbers, ids and times: nothing that would have to be quoted, or that a spreadsheet would run.
fn line(text: &mut String, entry: &Entry, currency: Currency) {
    let Entry { sequence, transaction, amount, posted_after, occurred_at, .. } = entry;
    let at = timestamp::text(*occurred_at);
    let [amount, balance] = [amount, posted_after].map(|units| currency.decimal(*units, "."));
    // Writing to a string cannot fail.
    writeln!(text, "{sequence},{at},{transaction},{amount},{balance},{currency}\r").ok();
}
