//! The books, verified. It needs `ops:read`.

use contract::{AccountId, EventId, TransactionId};
use serde::Deserialize;
use time::OffsetDateTime;

use super::{Error, Transactions};

/// What the last verification found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Verification {
    #[serde(with = "contract::timestamp")]
    pub started_at: OffsetDateTime,
    pub duration_milliseconds: u64,
    /// Of all checks.
    pub violations: u64,
    pub checks: Vec<Finding>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Finding {
    pub check: String,
    /// The rule, in a sentence.
    pub rule: String,
    /// How often it is broken.
    pub violations: u64,
    /// The first that break it.
    pub offenders: Vec<Offender>,
}

/// Something that breaks a rule, by whichever ids it has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Offender {
    pub account: Option<AccountId>,
    pub transaction: Option<TransactionId>,
    pub event: Option<EventId>,
    /// In which way.
    pub detail: String,
}

impl Transactions {
    /// # Errors
    /// [`Error`]; `not_found` before the first verification.
    pub async fn verification(&self) -> Result<Verification, Error> {
        self.0.get("/v1/verification", &()).await
    }
}
