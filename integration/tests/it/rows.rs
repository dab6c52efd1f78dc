//! How much the ledger has written, counted in its tables.

use sqlx::{FromRow, PgPool};

/// So far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub(crate) struct Rows {
    pub(crate) accounts: i64,
    pub(crate) transactions: i64,
    pub(crate) effects: i64,
    pub(crate) events: i64,
    pub(crate) stored_answers: i64,
    /// Positions of the outbox that were ever drawn: its rows go away when they are published.
    pub(crate) outbox: i64,
}

impl Rows {
    pub(crate) async fn count(pool: &PgPool) -> Self {
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM transactions.accounts) AS accounts,
                    (SELECT count(*) FROM transactions.transactions) AS transactions,
                    (SELECT count(*) FROM transactions.effects) AS effects,
                    (SELECT count(*) FROM transactions.events) AS events,
                    (SELECT count(*) FROM transactions.stored_answers) AS stored_answers,
                    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END
                     FROM transactions.outbox_relay_position_seq) AS outbox",
        )
        .fetch_one(pool)
        .await
        .unwrap()
    }

    /// What these would be after so many more payments, and so many refusals that are kept as answers.
    pub(crate) const fn after(self, payments: i64, refusals: i64) -> Self {
        Self {
            accounts: self.accounts,
            transactions: self.transactions + payments,
            effects: self.effects + 2 * payments,
            events: self.events + payments,
            stored_answers: self.stored_answers + payments + refusals,
            outbox: self.outbox + payments,
        }
    }
}
