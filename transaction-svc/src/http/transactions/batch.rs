//! `POST /v1/transactions/batch`.

use std::borrow::Cow;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use contract::{example::transaction, transaction::Created};
use futures_util::future::join_all;
use rand::random;
use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Map, Value, value::RawValue};
use service_kit::{
    auth::Scope,
    http::{Field, Fields, JsonBody, Problem, RequestId},
};

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::create::CreateTransactionBody;
use crate::{
    domain::command::{Action, BatchItem, Command, CreateTransaction, Entropy},
    http::{
        error,
        extract::{IdempotencyKey, KeylessContext},
        text::accepted,
    },
    problem,
    writer::Commands,
};

const MAX_ITEMS: usize = 500;

/// Transactions that are created with one request.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({"mode": "independent", "transactions": [{
    "idempotency_key": "salary-2026-11-alice", "source": transaction().source, "destination": transaction().destination,
    "amount": "1250", "currency": "EUR", "reference": "2026-11"
}]})))]
#[serde(deny_unknown_fields)]
pub(super) struct BatchBody {
    #[serde(default)]
    #[schema(value_type = BatchMode, required)]
    mode: Field<BatchMode>,
    /// 1 to 500.
    #[serde(default)]
    #[schema(required, value_type = Vec<ItemBody>, min_items = 1, max_items = 500)]
    transactions: Field<Vec<ItemBody>>,
}

/// What a refused transaction means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BatchMode {
    /// All or none are created, under the key of the header.
    Atomic,
    /// Each is created or refused by itself, under the `idempotency_key` that is a member of it.
    Independent,
}

/// A transaction as it is created alone, with its key beside.
#[derive(Debug)]
struct ItemBody {
    idempotency_key: Option<Value>,
    create: CreateTransactionBody,
}

impl PartialSchema for ItemBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = CreateTransactionBody::schema();
        if let RefOr::T(Schema::Object(item)) = &mut schema {
            let description = "With `mode: independent`, and only then: 1 to 255 visible ASCII characters.";
            let key = ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some("^[!-~]{1,255}$"))
                .description(Some(description));
            item.properties.insert("idempotency_key".to_owned(), key.into());
        }
        schema
    }
}

impl ToSchema for ItemBody {
    fn name() -> Cow<'static, str> {
        "BatchItem".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        CreateTransactionBody::schemas(schemas);
    }
}

impl<'de> Deserialize<'de> for ItemBody {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's `flatten` would let unknown members pass.
        let mut members = Map::deserialize(deserializer)?;
        let idempotency_key = members.remove("idempotency_key");
        let create = serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)?;
        Ok(Self { idempotency_key, create })
    }
}

/// What became of each transaction, in the order in which they were asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct BatchAnswers {
    data: Vec<ItemAnswer>,
}

/// What the transaction alone would have been answered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({"status": 201, "replayed": false, "body": transaction()})))]
struct ItemAnswer {
    status: u16,
    /// Whether it was answered before, under the same key.
    replayed: bool,
    /// The transaction, or a problem.
    #[schema(value_type = Object)]
    body: Box<RawValue>,
}

/// Create several transactions
///
/// With `mode: atomic` all of them or none, under the key of the header. With `mode: independent` each by itself, under its own
/// `idempotency_key`: 200 says that each has its answer, and not which.
#[utoipa::path(
    post, path = "/v1/transactions/batch", tag = "transactions", operation_id = "create_transactions",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; needed for `atomic`")),
    request_body = BatchBody,
    responses(
        (status = 201, description = "`atomic`", body = Created),
        (status = 200, description = "`independent`", body = BatchAnswers)
    ),
    extensions(("x-scope" = json!("transactions:write")), ("x-problems" = json!(problem::OF_CREATION)))
)]
pub(super) async fn create_all(
    context: KeylessContext,
    State(commands): State<Commands>,
    JsonBody(body): JsonBody<BatchBody>,
) -> Result<Response, Problem> {
    context.caller.require(Scope::TransactionsWrite)?;
    let mut fields = Fields::new();
    let mode = fields.required("/mode", body.mode);
    let items = fields.required("/transactions", body.transactions);
    if items.as_ref().is_some_and(|items| items.is_empty() || items.len() > MAX_ITEMS) {
        fields.refuse("/transactions", "invalid_length", format!("expected 1 to {MAX_ITEMS} transactions"));
        return fields.finish(|| None);
    }
    let items = items.into_iter().flatten().enumerate().map(|(index, item)| item.read(index, mode, &mut fields));
    let items: Vec<_> = items.collect();
    let (mode, items) = fields.finish(|| Some((mode?, items.into_iter().collect::<Option<Vec<_>>>()?)))?;
    match mode {
        BatchMode::Atomic => {
            let entropy = || Entropy { resource: random(), event: random() };
            let items = items.into_iter().map(|(_, create)| BatchItem { create, entropy: entropy() }).collect();
            let context = context.with_key()?;
            let command = context.command(Action::CreateTransactions(items));
            let answer = commands.submit(command, context.request_id).await.map_err(error::write)?;
            Ok(answer.into_response())
        }
        BatchMode::Independent => {
            let each = items.into_iter().map(|(key, create)| {
                let command = context.command(key.as_ref(), Action::CreateTransaction(create));
                answer_of(&commands, command, &context.request_id)
            });
            let data = join_all(each).await.into_iter().collect::<Result<_, _>>()?;
            Ok(Json(BatchAnswers { data }).into_response())
        }
    }
}

impl ItemBody {
    /// The transaction and, where it needs one, its key.
    fn read(
        self,
        index: usize,
        mode: Option<BatchMode>,
        fields: &mut Fields,
    ) -> Option<(Option<IdempotencyKey>, CreateTransaction)> {
        fields.within(format!("/transactions/{index}"), |fields| {
            let key = match (mode, self.idempotency_key) {
                (Some(BatchMode::Independent), key) => {
                    let text = key.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
                    accepted(fields, "/idempotency_key", IdempotencyKey::try_from(text))
                }
                (_, Some(_)) => {
                    fields.refuse("/idempotency_key", "invalid", "an atomic batch has one key, in the header");
                    None
                }
                (_, None) => None,
            };
            Some((key, self.create.read(fields)?))
        })
    }
}

/// What one transaction is answered; where it has no answer, why.
async fn answer_of(commands: &Commands, command: Command, request_id: &RequestId) -> Result<ItemAnswer, Problem> {
    let (status, replayed, body) = match commands.submit(command, request_id.clone()).await {
        Ok(answer) => (u16::try_from(answer.content.status).unwrap_or(0), answer.replayed, answer.content.body),
        Err(error) => {
            let problem = error::write(error);
            (problem.kind.status.as_u16(), false, problem.to_bytes(request_id))
        }
    };
    let text = String::from_utf8(body.into()).map_err(|_| error::unreadable_answer())?;
    let body = RawValue::from_string(text).map_err(|_| error::unreadable_answer())?;
    Ok(ItemAnswer { status, replayed, body })
}
