//! What the journal says was done by a load, asked of the naive ledger in the same order.

use std::collections::HashMap;

use contract::{AccountId, TransactionId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    naive::{Ask, Books, Event, Payment, Said, Side, Who},
    replicas::{Asked, World},
};
use crate::stage::Stage;

/// An event of the journal, and the naive books after it.
pub(super) struct Step {
    pub(super) cause: Option<usize>,
    pub(super) event: Event,
    pub(super) after: Books,
}

/// What an event did to an account, as it is stored.
#[derive(Debug, FromRow)]
struct Effect {
    event_id: Uuid,
    kind: String,
    body: Vec<u8>,
    account_id: Uuid,
    sequence: i64,
    posted: i64,
    pending_out: i64,
    pending_in: i64,
    posted_after: i64,
    pending_out_after: i64,
    pending_in_after: i64,
    available_after: Option<i64>,
    micros: i64,
}

/// Asks the naive ledger what the journal says was done, in that order: each account's times increase with what is done
/// to it. Gives the steps, and the places of payments.
pub(super) async fn replay(
    stage: &Stage,
    world: &World,
    asked: &[Asked],
) -> (Vec<Step>, HashMap<TransactionId, usize>) {
    let accounts: Vec<Uuid> = world.accounts.iter().map(|(id, _)| id.uuid()).collect();
    let effects: Vec<Effect> = sqlx::query_as(
        "SELECT event.id AS event_id, event.kind, event.body, effect.*,
                (extract(epoch FROM occurred_at) * 1000000)::bigint AS micros
         FROM transactions.events AS event JOIN transactions.effects AS effect ON effect.event_id = event.id
         LEFT JOIN transactions.transactions AS transaction ON transaction.id = effect.transaction_id
         WHERE account_id = ANY($1) ORDER BY event.id, account_id = transaction.source DESC",
    )
    .bind(&accounts)
    .fetch_all(stage.database())
    .await
    .unwrap();
    let causes = causes(world, asked);
    let (mut books, mut steps, mut places) = (Books::default(), Vec::new(), HashMap::new());
    for sides in effects.chunk_by(|one, next| one.event_id == next.event_id) {
        let event: Value = serde_json::from_slice(&sides[0].body).unwrap();
        let payment: Option<TransactionId> = serde_json::from_value(event["data"]["transaction"]["id"].clone()).ok();
        let name = name_of_cause(&sides[0], payment, payment.is_some_and(|id| places.contains_key(&id)), &event);
        let cause = name.map(|name| *causes.get(&name).unwrap_or_else(|| unreachable!("nobody was told of {name}")));
        let (who, ask) = match cause {
            Some(cause) => (asked[cause].who, renamed(&asked[cause].ask, world, &places)),
            None => (Who::Office, world.accounts[books.accounts.len()].1.clone()),
        };
        let said = books.ask(who, sides[0].micros.into(), &ask);
        if let Some(payment) = payment {
            places.entry(payment).or_insert(books.payments.len() - 1);
        }
        let event = stored_event(sides, &accounts, &event);
        assert_eq!(said, Said::Done(Box::new(event.clone())), "{ask:?}");
        steps.push(Step { cause, event, after: books.clone() });
    }
    (steps, places)
}

/// Which request did what, by a name for it.
fn causes(world: &World, asked: &[Asked]) -> HashMap<String, usize> {
    let known = world.payments.lock().unwrap();
    let done = asked.iter().enumerate().filter(|(_, one)| one.reply.status < 300);
    let named = done.map(|(index, one)| match one.ask {
        Ask::Capture { payment, .. } => (format!("capture of {}", known[payment]), index),
        Ask::Void { payment } => (format!("void of {}", known[payment]), index),
        Ask::Freeze { account } | Ask::Unfreeze { account } | Ask::Close { account } => {
            (change_of(world.accounts[account].0, one.reply.json()["version"].as_i64().unwrap()), index)
        }
        _ => (one.reply.json()["id"].as_str().unwrap().to_owned(), index),
    });
    named.collect()
}

fn name_of_cause(effect: &Effect, payment: Option<TransactionId>, exists: bool, event: &Value) -> Option<String> {
    let Some(payment) = payment else {
        let account = AccountId::from_uuid(effect.account_id);
        return (effect.kind != "account.opened").then(|| change_of(account, effect.sequence));
    };
    Some(match effect.kind.as_str() {
        "transaction.posted" if exists => format!("capture of {payment}"),
        "transaction.voided" => format!("void of {payment}"),
        "transaction.refunded" => event["data"]["refund"]["id"].as_str().unwrap().to_owned(),
        _ => payment.to_string(),
    })
}

/// A change of an account is told with the account's version after it.
fn change_of(account: AccountId, version: i64) -> String {
    format!("change {version} of {account}")
}

/// The same request, with payments named by their place in the naive books.
pub(super) fn renamed(ask: &Ask, world: &World, places: &HashMap<TransactionId, usize>) -> Ask {
    let known = world.payments.lock().unwrap();
    let mut ask = ask.clone();
    if let Ask::Capture { payment, .. } | Ask::Void { payment } | Ask::Refund { payment, .. } = &mut ask {
        *payment = places[&known[*payment]];
    }
    ask
}

/// The event as the tables and its bytes have it.
fn stored_event(effects: &[Effect], accounts: &[Uuid], event: &Value) -> Event {
    let place = |id: Uuid| accounts.iter().position(|account| *account == id).unwrap();
    let sides = effects.iter().map(|effect| Side {
        account: place(effect.account_id),
        sequence: effect.sequence.into(),
        change: [effect.posted, effect.pending_out, effect.pending_in].map(i128::from),
        has: [effect.posted_after, effect.pending_out_after, effect.pending_in_after].map(i128::from),
        available: effect.available_after.map(i128::from),
    });
    let transaction = event["data"]["transaction"].as_object().map(|transaction| {
        let number = |name: &str| transaction[name].as_str().unwrap().parse::<i128>().unwrap();
        let account = |name: &str| place(transaction[name].as_str().unwrap().parse::<AccountId>().unwrap().uuid());
        Payment {
            source: account("source"),
            destination: account("destination"),
            amount: number("amount"),
            captured: number("captured_amount"),
            refunded: number("refunded_amount"),
            status: STATUSES.into_iter().find(|status| *status == transaction["status"]).unwrap(),
            held_until: transaction.get("expires_at").and_then(Value::as_str).map(micros),
        }
    });
    let kind = KINDS.into_iter().find(|kind| *kind == effects[0].kind).unwrap();
    Event { kind, at: effects[0].micros.into(), sides: sides.collect(), payment: transaction }
}

const STATUSES: [&str; 6] = ["pending", "posted", "voided", "expired", "partially_refunded", "refunded"];
const KINDS: [&str; 9] = [
    "account.opened",
    "account.frozen",
    "account.unfrozen",
    "account.closed",
    "transaction.pending",
    "transaction.posted",
    "transaction.voided",
    "transaction.expired",
    "transaction.refunded",
];

fn micros(moment: &str) -> i128 {
    let moment = time::OffsetDateTime::parse(moment, &time::format_description::well_known::Rfc3339).unwrap();
    moment.unix_timestamp_nanos() / 1_000
}
