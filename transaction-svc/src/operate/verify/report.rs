//! What a verification found, as the command prints it, the API answers it and the table keeps it.

use std::fmt;

use contract::{AccountId, EventId, TransactionId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// One look at everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(examples(json!({
    "started_at": "2026-11-23T06:20:00Z", "duration_milliseconds": 38, "violations": 0,
    "checks": [{
        "check": "money_is_conserved", "rule": "the entries of each currency add up to zero", "violations": 0,
        "duration_milliseconds": 3, "offenders": []
    }],
    "outbox": {"events": 0, "oldest_age_seconds": null}
})))]
pub struct Report {
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: OffsetDateTime,
    pub duration_milliseconds: u64,
    /// Of all checks.
    pub violations: u64,
    pub checks: Vec<Finding>,
    pub outbox: OutboxState,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    #[schema(examples("money_is_conserved"))]
    pub check: String,
    /// The rule, in a sentence.
    pub rule: String,
    /// How often it is broken.
    pub violations: u64,
    pub duration_milliseconds: u64,
    /// The first that break it.
    pub offenders: Vec<Offender>,
}

/// Something that breaks a rule, by whichever ids it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Offender {
    pub account: Option<AccountId>,
    pub transaction: Option<TransactionId>,
    pub event: Option<EventId>,
    /// In which way.
    pub detail: String,
}

/// What waits to be published: no rule is broken by it, but somebody should look when it grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OutboxState {
    /// At most: positions that were drawn and rolled back are counted, too.
    pub events: i64,
    pub oldest_age_seconds: Option<i64>,
}

impl Report {
    /// Whether every rule holds.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.violations == 0
    }
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, transaction, event, detail } = self;
        account.iter().try_for_each(|account| write!(f, "{account} "))?;
        transaction.iter().try_for_each(|transaction| write!(f, "{transaction} "))?;
        event.iter().try_for_each(|event| write!(f, "{event} "))?;
        f.write_str(detail)
    }
}
