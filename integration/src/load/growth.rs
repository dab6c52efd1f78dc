//! Books that have grown: millions of transactions, put into the tables at once, and as sound as the ledger's own.

use std::{ops::RangeInclusive, sync::Arc};

use anyhow::{Context, ensure};
use contract::{AccountId, TransactionId};
use sqlx::{Connection, PgConnection, raw_sql};
use time::{Duration, OffsetDateTime};
use transaction_svc::operate::verify::Report;
use url::Url;
use uuid::Uuid;

use super::{
    clients::{Seen, Sources},
    readers,
    scenario::Bench,
};

const STATEMENTS: &str = include_str!("growth.sql");
/// How long ago the payments of a step began: five million, one every 1.5 s, end before now.
const AGO: Duration = Duration::days(90);
/// Payments that are put into the tables by one round of statements.
const ROUND: i64 = 100_000;
const SAMPLE: i64 = 10_000;

/// A connection on which the books grow.
#[derive(Debug)]
pub struct Growth {
    connection: PgConnection,
    transactions: i64,
}

/// How the ledger fares at one size.
#[derive(Debug)]
pub struct Fared {
    pub created: Seen,
    pub one: Seen,
    pub page: Seen,
    pub verified: Report,
}

impl Bench {
    /// Creates, reads one and reads a page of these accounts, one after the other, and verifies the books.
    ///
    /// # Errors
    /// When a client is refused, or the books are not in order.
    pub async fn fare(&mut self, growth: &mut Growth, size: i64, readers: usize) -> anyhow::Result<Fared> {
        self.accounts = growth.to(size).await?;
        let created = self.burst(Sources::Many).await?.seen;
        let one = growth.sample().await?.iter().map(|id| format!("/v1/transactions/{id}")).collect();
        let page = self.accounts.iter().map(|id| format!("/v1/transactions?account={id}&limit=50")).collect();
        let token = self.platform.service_token()?;
        let read = async |paths| readers::run(self.ledger()?, &token, paths, readers, self.duration).await;
        let (one, page) = (read(one).await?, read(page).await?);
        let (_, verified) = self.platform.verify().await?;
        ensure!(verified.is_clean(), "the grown books are not in order: {verified:?}");
        Ok(Fared { created, one, page, verified })
    }
}

impl Growth {
    /// Of the ledger in this database, reached as its superuser.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(admin: &Url) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(admin.as_str()).await?;
        raw_sql("SET search_path = transactions; SET synchronous_commit = off").execute(&mut connection).await?;
        for statement in statements("once")? {
            raw_sql(statement).execute(&mut connection).await?;
        }
        raw_sql("SELECT ensure_event_partitions(clock_timestamp() - interval '4 months', 4)")
            .execute(&mut connection)
            .await?;
        Ok(Self { connection, transactions: 0 })
    }

    /// Adds accounts, and payments between them until there are so many in all. Gives the accounts.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn to(&mut self, transactions: i64) -> anyhow::Result<Arc<[AccountId]>> {
        let began: OffsetDateTime =
            sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut self.connection).await?;
        let began = began - AGO;
        self.carry_out("accounts", began, 0..=0).await?;
        let missing = transactions - self.transactions;
        let mut done = 0;
        while done < missing {
            let round = (missing - done).min(ROUND);
            self.carry_out("payments", began, done + 1..=done + round).await?;
            done += round;
        }
        self.transactions += done;
        // As autovacuum would have done meanwhile.
        raw_sql("VACUUM ANALYZE accounts, transactions, effects, events, stored_answers")
            .execute(&mut self.connection)
            .await?;
        let accounts: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM holders").fetch_all(&mut self.connection).await?;
        Ok(accounts.into_iter().map(AccountId::from_uuid).collect())
    }

    /// Transactions from all over the table.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sample(&mut self) -> anyhow::Result<Arc<[TransactionId]>> {
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "SELECT transactions.id
             FROM (SELECT count(*) AS count FROM transactions) AS table_size,
                  transactions TABLESAMPLE BERNOULLI (least(100, 200.0 * $1 / greatest(1, (
                      SELECT reltuples FROM pg_class WHERE oid = 'transactions'::regclass))))
             ORDER BY random() LIMIT $1",
        )
        .bind(SAMPLE)
        .fetch_all(&mut self.connection)
        .await?;
        Ok(ids.into_iter().map(TransactionId::from_uuid).collect())
    }

    async fn carry_out(
        &mut self,
        section: &str,
        began: OffsetDateTime,
        payments: RangeInclusive<i64>,
    ) -> anyhow::Result<()> {
        let mut transaction = self.connection.begin().await?;
        for statement in statements(section)? {
            let mut query = sqlx::query(statement);
            if statement.contains("$1") {
                query = query.bind(began);
            }
            if statement.contains("$2") {
                query = query.bind(payments.start()).bind(payments.end());
            }
            query.execute(&mut *transaction).await.with_context(|| statement.to_owned())?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// The statements of one section of the file.
fn statements(section: &str) -> anyhow::Result<impl Iterator<Item = &'static str>> {
    let (_, rest) = STATEMENTS.split_once(&format!("-- == {section}\n")).context("there is no such section")?;
    Ok(rest.split("-- == ").next().unwrap_or(rest).split("-- ==\n"))
}
