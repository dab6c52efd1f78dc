//! The codes of problems, so that a program can match on them.

macro_rules! codes {
    ($($name:ident = $code:literal,)*) => {
        /// Why a request was refused. New codes may come: match on what you handle, and let the rest be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ProblemCode {
            $(#[doc = concat!("`", $code, "`")] $name,)*
            /// A code that is newer than this client.
            Unknown,
        }

        impl ProblemCode {
            /// The code as a problem says it.
            #[must_use]
            pub fn of(code: &str) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::Unknown,
                }
            }
        }
    };
}

codes! {
    Malformed = "malformed",
    Unauthenticated = "unauthenticated",
    Forbidden = "forbidden",
    NotFound = "not_found",
    MethodNotAllowed = "method_not_allowed",
    PayloadTooLarge = "payload_too_large",
    UnsupportedMediaType = "unsupported_media_type",
    IdempotencyKeyReused = "idempotency_key_reused",
    RateLimited = "rate_limited",
    Overloaded = "overloaded",
    Unavailable = "unavailable",
    OutcomeUnknown = "outcome_unknown",
    Internal = "internal",
    UnknownAccount = "unknown_account",
    SameAccount = "same_account",
    AccountFrozen = "account_frozen",
    AccountClosed = "account_closed",
    CurrencyMismatch = "currency_mismatch",
    InsufficientFunds = "insufficient_funds",
    AmountOutOfRange = "amount_out_of_range",
    ExpiryOutOfRange = "expiry_out_of_range",
    ExceedsCaptured = "exceeds_captured",
    StaleSettings = "stale_settings",
    InvalidState = "invalid_state",
    SequenceTooOld = "sequence_too_old",
    ConfiguredEndpoint = "configured_endpoint",
    TooManyEndpoints = "too_many_endpoints",
    TooManySessions = "too_many_sessions",
    EventConflict = "event_conflict",
    UnsupportedEvent = "unsupported_event",
    RefusedEvent = "refused_event",
}
