//! An account as the API shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Currency, MinorUnits};

/// Free names and values that a caller attaches to a resource: at most 20 keys and 4 KiB in all.
pub type Metadata = BTreeMap<String, String>;

/// What may be done with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    Open,
    Frozen,
    Closed,
}

impl AccountStatus {
    /// Every status there is.
    pub const ALL: [Self; 3] = [Self::Open, Self::Frozen, Self::Closed];

    /// The status as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

/// An account: whose money it is, in which currency, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(examples(crate::example::account)))]
pub struct Account {
    pub id: AccountId,
    /// The `sub` of the user who holds it.
    pub owner: String,
    pub name: Option<String>,
    pub currency: Currency,
    pub status: AccountStatus,
    /// `available` never falls below zero with this subtracted; null is no limit (money enters the ledger there).
    pub min_balance: Option<MinorUnits>,
    /// Whether the owner is notified of what happens to the account.
    pub notify: bool,
    pub balances: Balances,
    /// The sequence of the account's last effect.
    pub version: i64,
    /// Counts changes of name, metadata, limit and status; a PATCH names the one it saw.
    pub settings_version: i64,
    pub metadata: Metadata,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: OffsetDateTime,
    #[serde(with = "crate::timestamp")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: OffsetDateTime,
}

/// The money of an account, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balances {
    /// The sum of all entries.
    pub posted: MinorUnits,
    /// Reserved for transactions that are not captured yet.
    pub pending_out: MinorUnits,
    /// Announced by transactions that are not captured yet.
    pub pending_in: MinorUnits,
    /// `posted - pending_out - min_balance`; null where the account has no limit.
    pub available: Option<MinorUnits>,
}
