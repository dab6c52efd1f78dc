//! `POST /v1/transactions`.

use std::collections::BTreeMap;

use axum::extract::State;
use contract::{
    AccountId, Amount, Currency,
    transaction::{Capture, Transaction as TransactionView},
};
use serde::Deserialize;
use service_kit::{
    auth::Scope,
    http::{Field, Fields, JsonBody, Problem, QueryParameters},
};

use crate::{
    domain::{
        command::{Action, CaptureTerms, CreateTransaction},
        text::{Description, Metadata, Reference},
    },
    http::{
        error,
        extract::KeylessContext,
        moment::Moment,
        text::{metadata_schema, optional},
    },
    problem,
    store::Database,
    writer::{self, Answer, Commands},
};

/// What to move from where to where.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({
    "source": contract::example::account_id(), "destination": contract::example::transaction().destination,
    "amount": "1250", "currency": "EUR", "description": "Rent", "reference": "inv-17"
})))]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTransactionBody {
    #[serde(default)]
    #[schema(value_type = AccountId, required)]
    source: Field<AccountId>,
    #[serde(default)]
    #[schema(value_type = AccountId, required)]
    destination: Field<AccountId>,
    #[serde(default)]
    #[schema(value_type = Amount, required)]
    amount: Field<Amount>,
    /// The currency of both accounts.
    #[serde(default)]
    #[schema(value_type = Currency, required)]
    currency: Field<Currency>,
    #[serde(default)]
    #[schema(value_type = Option<Capture>)]
    capture: Field<Capture>,
    /// Until when a hold reserves the money, at most 365 days: 7 days from now unless given. Only with `capture: manual`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Field<Moment>,
    /// At most 500 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, pattern = r"^[^\u0000]*$")]
    description: Field<String>,
    /// At most 128 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128, pattern = r"^[^\u0000]*$")]
    reference: Field<String>,
    /// At most 20 keys and 4 KiB.
    #[serde(default)]
    #[schema(schema_with = metadata_schema)]
    metadata: Field<BTreeMap<String, String>>,
}

impl CreateTransactionBody {
    /// What it asks for; `None` where a required field was refused. Every refused field is reported to `fields`.
    pub(super) fn read(self, fields: &mut Fields) -> Option<CreateTransaction> {
        let body = self;
        let source = fields.required("/source", body.source);
        let destination = fields.required("/destination", body.destination);
        let amount = fields.required("/amount", body.amount);
        let currency = fields.required("/currency", body.currency);
        let capture = fields.optional("/capture", body.capture);
        let expires_at = fields.optional("/expires_at", body.expires_at).map(|moment| moment.0);
        let terms = match capture.unwrap_or(Capture::Automatic) {
            Capture::Manual => CaptureTerms::Manual { expires_at },
            Capture::Automatic => CaptureTerms::Automatic,
        };
        if terms == CaptureTerms::Automatic && expires_at.is_some() {
            fields.refuse("/expires_at", "invalid", "only a hold expires: this needs \"capture\": \"manual\"");
        }
        let description: Option<Description> = optional(fields, "/description", body.description);
        let reference: Option<Reference> = optional(fields, "/reference", body.reference);
        let metadata: Option<Metadata> = optional(fields, "/metadata", body.metadata);
        let metadata = metadata.unwrap_or_default();
        Some(CreateTransaction {
            source: source?,
            destination: destination?,
            amount: amount?,
            currency: currency?,
            terms,
            description,
            reference,
            metadata,
        })
    }
}

/// How to do it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CreateOptions {
    /// Only to see what the answer would be: nothing is changed or kept, and no key is needed or read.
    #[serde(default)]
    dry_run: bool,
}

/// Create a transaction
///
/// From an account of one's own, or from any with `transactions:any`, to any open account. With `capture: manual` the money
/// is held, and moves when the transaction is captured.
#[utoipa::path(
    post, path = "/v1/transactions", tag = "transactions", operation_id = "create_transaction",
    params(
        CreateOptions,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; needed unless `dry_run`")
    ),
    request_body = CreateTransactionBody,
    responses(
        (status = 201, body = TransactionView),
        (status = 200, description = "With `dry_run`: as it would be", body = TransactionView)
    ),
    extensions(("x-scope" = json!("transactions:write")), ("x-problems" = json!(problem::OF_CREATION)))
)]
pub(super) async fn create(
    context: KeylessContext,
    QueryParameters(CreateOptions { dry_run }): QueryParameters<CreateOptions>,
    State(commands): State<Commands>,
    State(database): State<Database>,
    JsonBody(body): JsonBody<CreateTransactionBody>,
) -> Result<Answer, Problem> {
    context.caller.require(Scope::TransactionsWrite)?;
    if dry_run {
        let command = context.command(None, create_action(body)?);
        let answer = writer::dry_run(&database, &command, &context.request_id).await.map_err(error::dry_run)?;
        return answer.map(Answer::tried).ok_or_else(error::not_found);
    }
    let context = context.with_key()?;
    let command = context.command(create_action(body)?);
    commands.submit(command, context.request_id).await.map_err(error::write)
}

fn create_action(body: CreateTransactionBody) -> Result<Action, Problem> {
    let mut fields = Fields::new();
    let create = body.read(&mut fields);
    Ok(Action::CreateTransaction(fields.finish(|| create)?))
}
