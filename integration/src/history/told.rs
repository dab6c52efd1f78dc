//! What clients asked and were told, and when, counted from the beginning of the run.

use std::time::Duration;

use client::{Answer, Error, NewTransaction, Problem};
use contract::{EventId, WebhookEndpointId, account::Account, transaction::Transaction};

/// One run of a [`super::record::Recorder`].
#[derive(Debug, Clone, Default)]
pub struct History {
    pub payments: Vec<Payment>,
    pub balances: Vec<SeenBalance>,
    pub transactions: Vec<SeenTransaction>,
    pub listeners: Vec<Listener>,
}

/// A request under one key, and every attempt to learn what became of it.
#[derive(Debug, Clone)]
pub struct Payment {
    /// `<run>/<number>`; also the transaction's reference, so that it can be found on the books by itself.
    pub key: String,
    pub payer: String,
    pub request: NewTransaction,
    pub attempts: Vec<Attempt>,
}

/// One request on the wire.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub asked: Duration,
    pub ended: Duration,
    pub outcome: Outcome,
}

#[derive(Debug, Clone)]
pub enum Outcome {
    /// The last word: a transaction, or a refusal.
    Told(Answer),
    /// A problem, by its code, that asks to try again under the same key.
    TryAgain(String),
    /// Nobody knows.
    NoAnswer,
}

/// An account as its owner read it.
#[derive(Debug, Clone)]
pub struct SeenBalance {
    pub asked: Duration,
    pub ended: Duration,
    pub account: Account,
}

/// An acknowledged transaction as its payer read it afterwards.
#[derive(Debug, Clone)]
pub struct SeenTransaction {
    pub key: String,
    /// `None`: there was none.
    pub transaction: Option<Transaction>,
}

/// A receiver of webhooks that is to be told of everything.
#[derive(Debug, Clone)]
pub struct Listener {
    pub endpoint: WebhookEndpointId,
    /// What it has accepted.
    pub heard: Vec<EventId>,
}

impl History {
    /// What both have seen.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.payments.extend(other.payments);
        self.balances.extend(other.balances);
        self.transactions.extend(other.transactions);
        self.listeners.extend(other.listeners);
        self
    }

    /// Everything that was tried.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.payments.iter().flat_map(|payment| &payment.attempts).map(|attempt| &attempt.outcome)
    }

    /// How many payments were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.payments.iter().filter(|payment| payment.transaction().is_some()).count()
    }
}

impl Payment {
    /// The last words that were said about it: they should all be the same.
    pub fn answers(&self) -> impl Iterator<Item = (&Attempt, &Answer)> {
        self.attempts.iter().filter_map(|attempt| match &attempt.outcome {
            Outcome::Told(answer) => Some((attempt, answer)),
            Outcome::TryAgain(_) | Outcome::NoAnswer => None,
        })
    }

    /// The transaction that was acknowledged, if one was.
    #[must_use]
    pub fn transaction(&self) -> Option<Transaction> {
        self.answers().find_map(|(_, answer)| transaction_in(answer))
    }

    /// Whether its client knows what became of it.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.answers().next().is_some()
    }
}

impl Outcome {
    /// What a good client makes of it.
    #[must_use]
    pub fn of(answer: Result<Answer, Error>) -> Self {
        let Ok(answer) = answer else { return Self::NoAnswer };
        match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) if problem.retryable => Self::TryAgain(problem.code),
            _ => Self::Told(answer),
        }
    }
}

/// The transaction that this answer acknowledges, if it does.
pub(super) fn transaction_in(answer: &Answer) -> Option<Transaction> {
    (answer.status == 201).then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}
