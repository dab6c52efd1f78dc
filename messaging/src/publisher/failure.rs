//! Why a message was not acknowledged, and what that means for its window.

use std::error::Error;

use async_nats::jetstream::{
    self, ErrorCode,
    context::{PublishError, PublishErrorKind},
};

use super::{Acknowledgement, BoxError, WindowEnd};

#[derive(Debug)]
pub(super) enum Failure {
    WrongLastSequence,
    /// Of messages published at once.
    ContainsDuplicate,
    Unknown(BoxError),
    Refused {
        permanent: bool,
        source: BoxError,
    },
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::WrongLastSequence => Self::WrongLastSequence,
            PublishErrorKind::MaxPayloadExceeded => Self::Refused { permanent: true, source: error.into() },
            PublishErrorKind::StreamNotFound => Self::Refused { permanent: false, source: error.into() },
            PublishErrorKind::Other => Self::of_answer(error),
            PublishErrorKind::TimedOut
            | PublishErrorKind::BrokenPipe
            | PublishErrorKind::MaxAckPending
            | PublishErrorKind::WrongLastMessageId => Self::Unknown(error.into()),
        }
    }
}

impl Failure {
    /// An error that the library has no kind for; what is not even an answer of JetStream says nothing.
    fn of_answer(error: PublishError) -> Self {
        let answer = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
        match answer.map(jetstream::Error::error_code) {
            // Servers say this where they do not tell which sequence would have been right.
            Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT) => Self::WrongLastSequence,
            Some(ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE) => Self::ContainsDuplicate,
            Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM) => {
                Self::Refused { permanent: true, source: error.into() }
            }
            Some(_) => Self::Refused { permanent: false, source: error.into() },
            None => Self::Unknown(error.into()),
        }
    }

    /// How a window ends with this, after these acknowledgements.
    pub(super) fn end(self, acknowledged: &[Acknowledgement], expected_last_sequence: u64) -> WindowEnd {
        let reached = expected_last_sequence + acknowledged.len() as u64;
        match self {
            Self::WrongLastSequence if acknowledged.last().is_some_and(|last| last.sequence != reached) => {
                WindowEnd::DuplicateInWindow
            }
            Self::WrongLastSequence => WindowEnd::WrongLastSequence,
            Self::ContainsDuplicate => WindowEnd::DuplicateInWindow,
            Self::Unknown(source) => WindowEnd::Unknown { source },
            Self::Refused { permanent, source } => WindowEnd::Refused { index: acknowledged.len(), permanent, source },
        }
    }
}
