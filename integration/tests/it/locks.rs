//! Sessions of the ledger that wait for somebody else's lock: how a story knows that its next step comes in time.

use anyhow::ensure;
use integration::{
    eventually::eventually,
    stack::{
        backing::Backing,
        provision::{SERVICE_TIMEOUTS, TRANSACTIONS, database_name},
    },
};
use sqlx::{AssertSqlSafe, PgPool, raw_sql};

/// Waits until so many of them wait.
pub(crate) async fn waiting(database: &PgPool, sessions: i64) {
    eventually("the ledger waits for a lock", async || {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND usename = 'transaction_svc' AND wait_event_type = 'Lock'",
        )
        .fetch_one(database)
        .await?;
        ensure!(waiting == sessions, "{waiting} sessions wait");
        Ok(())
    })
    .await;
}

/// Lets every session of the ledger that starts from now on wait for locks, and be waited for, much longer than the three
/// seconds that are its bound elsewhere: a story on a slow machine needs them.
pub(crate) async fn be_patient(backing: &Backing) {
    let admin = backing.database.admin();
    let (role, database) = (TRANSACTIONS.service, database_name(admin));
    let pool = PgPool::connect(admin.as_str()).await.unwrap();
    for (timeout, _) in SERVICE_TIMEOUTS {
        let statement = format!("ALTER ROLE {role} IN DATABASE {database} SET {timeout} = '60s'");
        raw_sql(AssertSqlSafe(statement)).execute(&pool).await.unwrap();
    }
}
