//! What happened to an account, as its owner reads it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Currency, EventId, EventKind, MinorUnits, TransactionId, account::Balances};

/// A line of a statement: an effect that moved posted money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::entry)))]
pub struct Entry {
    /// Sequences of entries have gaps: not every effect moves money.
    pub sequence: i64,
    pub transaction: TransactionId,
    pub event: EventId,
    /// Negative where the account pays.
    pub amount: MinorUnits,
    /// The running balance.
    pub posted_after: MinorUnits,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub occurred_at: OffsetDateTime,
}

/// The money of an account at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::balance_at)))]
pub struct BalanceAt {
    pub account: AccountId,
    pub currency: Currency,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub as_of: OffsetDateTime,
    /// Of the account's last effect by then.
    pub sequence: i64,
    pub balances: Balances,
}

/// What one event did to one account, in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::account_event)))]
pub struct AccountEvent {
    /// 1, 2, 3 … without a gap.
    pub sequence: i64,
    pub event: EventId,
    pub r#type: EventKind,
    /// Null for the account's own events.
    pub transaction: Option<TransactionId>,
    /// Changes of what is posted, reserved and announced …
    pub amount: MinorUnits,
    pub pending_out: MinorUnits,
    pub pending_in: MinorUnits,
    /// … and what they left.
    pub balances: Balances,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub occurred_at: OffsetDateTime,
}

/// A part of a feed that goes on for ever. Whoever has it asks next for what comes after its last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Feed<Item, Place> {
    pub data: Vec<Item>,
    /// Where the next part begins: the place of the last one here, or the one that was asked for. Null at the very beginning.
    pub next_after: Option<Place>,
    /// Whether there was more than fits here.
    pub more: bool,
}

impl<Item, Place> Feed<Item, Place> {
    /// From one row more than fits, and the place that was asked for.
    #[must_use]
    pub fn of_rows(mut rows: Vec<Item>, limit: usize, asked: Option<Place>, place: impl Fn(&Item) -> Place) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_after = rows.last().map(place).or(asked);
        Self { data: rows, next_after, more }
    }
}
