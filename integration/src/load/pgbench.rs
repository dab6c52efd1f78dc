//! The yardstick: how many transactions of two plain inserts Postgres commits for `pgbench`, on the same server.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use sqlx::{PgPool, raw_sql};
use tokio::process::Command;

use crate::stack::{database::Database, directory::DataDirectory, wheels::Servers};

const CLIENTS: &str = "16";

const TABLES: &str = "CREATE SCHEMA IF NOT EXISTS yardstick;
    CREATE TABLE IF NOT EXISTS yardstick.transactions
        (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source bigint, destination bigint, amount bigint, body text);
    CREATE TABLE IF NOT EXISTS yardstick.events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)";

const SCRIPT: &str = "\\set source random(1, 10000)
\\set destination random(1, 10000)
BEGIN;
INSERT INTO yardstick.transactions (source, destination, amount, body) VALUES (:source, :destination, 1, repeat('x', 200));
INSERT INTO yardstick.events (body) VALUES (repeat('x', 1000));
COMMIT;
";

/// Runs it with 16 clients; gives transactions per second.
///
/// # Errors
/// When pgbench fails.
pub async fn transactions_per_second(
    database: &Database,
    directory: &DataDirectory,
    duration: Duration,
) -> anyhow::Result<f64> {
    let pool = PgPool::connect(database.admin().as_str()).await?;
    raw_sql(TABLES).execute(&pool).await?;
    let script = directory.path().join("yardstick.sql");
    tokio::fs::write(&script, SCRIPT).await?;
    let output = pgbench(&script, database, duration).await?;
    let line = output.lines().find(|line| line.starts_with("tps = ")).context("pgbench printed no rate")?;
    let rate = line.split_whitespace().nth(2).context("pgbench printed no rate")?;
    Ok(rate.parse()?)
}

async fn pgbench(script: &Path, database: &Database, duration: Duration) -> anyhow::Result<String> {
    let program = Servers::install().await?.postgres_programs.join("pgbench");
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol", "prepared", "--client", CLIENTS, "--jobs", "2"])
        .args(["--time", &duration.as_secs().to_string(), "--file"])
        .arg(script)
        .arg(database.admin().as_str())
        .stdin(Stdio::null())
        .output()
        .await?;
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
