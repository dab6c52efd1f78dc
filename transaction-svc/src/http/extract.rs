//! What several handlers take out of a request.

use std::str::FromStr;

use axum::extract::{FromRef, FromRequestParts, Path, rejection::PathRejection};
use axum::http::{HeaderName, request::Parts};
use rand::random;
use service_kit::{
    auth::{Caller, Scope, Verifier},
    http::{Problem, ProblemKind, RequestId, TraceParent},
};

use super::error::not_found;
use crate::domain::{
    command::{self, Action, Command, Entropy},
    fingerprint::fingerprint,
    idempotency::{Idempotency, KeyDigest},
    transaction::Actor,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_KEY_LENGTH: usize = 255;

/// The `Idempotency-Key` of a request that changes the ledger: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone)]
pub(super) struct IdempotencyKey(String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let key = values.next().ok_or_else(key_required)?;
        let key =
            key.to_str().ok().filter(|_| values.next().is_none()).and_then(|key| Self::try_from(key.to_owned()).ok());
        key.ok_or_else(|| {
            let detail = "The header Idempotency-Key must be given once, with 1 to 255 visible ASCII characters.";
            Problem::new(ProblemKind::MALFORMED, detail)
        })
    }
}

fn key_required() -> Problem {
    Problem::new(ProblemKind::MALFORMED, "The header Idempotency-Key is required.")
}

/// The text is no key.
#[derive(Debug, thiserror::Error)]
#[error("must have 1 to 255 visible ASCII characters")]
pub(super) struct InvalidKey;

impl TryFrom<String> for IdempotencyKey {
    type Error = InvalidKey;

    fn try_from(key: String) -> Result<Self, InvalidKey> {
        let valid = (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if valid { Ok(Self(key)) } else { Err(InvalidKey) }
    }
}

/// The id in the path. One that cannot be an id names nothing, so it is not found.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathId<T>(pub(super) T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        text.ok().and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(not_found)
    }
}

/// The same for something that belongs to something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathIds<T, U>(pub(super) (T, U));

impl<T: FromStr + Send, U: FromStr + Send, S: Send + Sync> FromRequestParts<S> for PathIds<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts: Result<Path<(String, String)>, PathRejection> = Path::from_request_parts(parts, state).await;
        let ids = texts.ok().and_then(|Path((first, second))| Some((first.parse().ok()?, second.parse().ok()?)));
        ids.map(Self).ok_or_else(not_found)
    }
}

/// What a handler needs of a request, besides its body, to make a command that has a key.
#[derive(Debug)]
pub(super) struct CommandContext {
    pub(super) caller: Caller,
    pub(super) request_id: RequestId,
    keyless: KeylessContext,
    key: IdempotencyKey,
}

/// The same where commands have keys of their own, or none.
#[derive(Debug, Clone)]
pub(super) struct KeylessContext {
    pub(super) caller: Caller,
    pub(super) request_id: RequestId,
    /// Of the header, where it is there.
    pub(super) key: Option<IdempotencyKey>,
    traceparent: Option<TraceParent>,
}

impl<S> FromRequestParts<S> for KeylessContext
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let request_id = RequestId::from_request_parts(parts, state).await?;
        let has_key = parts.headers.contains_key(IDEMPOTENCY_KEY);
        let key = if has_key { Some(IdempotencyKey::from_request_parts(parts, state).await?) } else { None };
        Ok(Self { caller, request_id, key, traceparent: parts.extensions.get().cloned() })
    }
}

impl<S> FromRequestParts<S> for CommandContext
where
    S: Send + Sync,
    Verifier: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        KeylessContext::from_request_parts(parts, state).await?.with_key()
    }
}

impl CommandContext {
    pub(super) fn command(&self, action: Action) -> Command {
        self.keyless.command(Some(&self.key), action)
    }
}

impl KeylessContext {
    /// For a command that needs the key of the header.
    pub(super) fn with_key(self) -> Result<CommandContext, Problem> {
        let key = self.key.clone().ok_or_else(key_required)?;
        Ok(CommandContext { caller: self.caller.clone(), request_id: self.request_id.clone(), keyless: self, key })
    }

    pub(super) fn command(&self, key: Option<&IdempotencyKey>, action: Action) -> Command {
        let actor = Actor { issuer: self.caller.issuer.clone(), subject: self.caller.subject.clone() };
        let idempotency = key.map(|key| Idempotency {
            key: KeyDigest::new(&actor, action.operation(), &key.0),
            fingerprint: fingerprint(&action),
        });
        Command {
            caller: command::Caller {
                actor,
                any_account: self.caller.may(Scope::AccountsAny),
                moves_any_money: self.caller.may(Scope::TransactionsAny),
            },
            idempotency,
            entropy: Entropy { resource: random(), event: random() },
            traceparent: self.traceparent.as_ref().map(|parent| parent.to_string().into()),
            action,
        }
    }
}
