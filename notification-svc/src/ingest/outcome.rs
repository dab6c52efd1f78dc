//! What becomes of an event that comes in.

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// New; so many notifications were made.
    Created(usize),
    /// The same bytes were ingested before.
    AlreadyKnown,
    /// Other bytes were ingested before under the same id.
    Conflict,
    /// Older than what is remembered, so that nobody could say whether it is new.
    TooOld,
    /// The database cannot store it, ever.
    Refused(String),
}

impl Outcome {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::AlreadyKnown => "already_known",
            Self::Conflict => "conflict",
            Self::TooOld => "too_old",
            Self::Refused(_) => "refused",
        }
    }
}
