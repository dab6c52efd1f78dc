//! The yardstick: how many transactions of two plain inserts Postgres commits for `pgbench`, on the same server.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use sqlx::{PgPool, raw_sql};
use tokio::process::Command;

use crate::stack::{database::Database, directory::DataDirectory, servers::Servers};

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
    let output = pgbench(database, directory.path(), duration, &[]).await?;
    let line = output.lines().find(|line| line.starts_with("tps = ")).context("pgbench printed no rate")?;
    let rate = line.split_whitespace().nth(2).context("pgbench printed no rate")?;
    Ok(rate.parse()?)
}

/// Runs it at a fixed rate; gives the time of each transaction in microseconds, from when it was due.
///
/// # Errors
/// When pgbench fails.
pub async fn paced(
    database: &Database,
    directory: &DataDirectory,
    duration: Duration,
    per_second: u64,
) -> anyhow::Result<Histogram<u64>> {
    let logs = directory.path().join("yardstick");
    tokio::fs::create_dir_all(&logs).await?;
    let prefix = logs.join("times").display().to_string();
    pgbench(database, &logs, duration, &["--rate", &per_second.to_string(), "--log", "--log-prefix", &prefix]).await?;
    let mut histogram = Histogram::new(3)?;
    let mut files = tokio::fs::read_dir(&logs).await?;
    while let Some(file) = files.next_entry().await? {
        if file.file_name().to_string_lossy().starts_with("times.") {
            record(&tokio::fs::read_to_string(file.path()).await?, &mut histogram)?;
        }
    }
    tokio::fs::remove_dir_all(&logs).await?;
    Ok(histogram)
}

/// A log of pgbench has a transaction per line, with its time as the third word.
fn record(log: &str, histogram: &mut Histogram<u64>) -> anyhow::Result<()> {
    for line in log.lines() {
        let time = line.split_whitespace().nth(2).context("pgbench logged no time")?;
        histogram.record(time.parse().with_context(|| format!("pgbench logged {line:?}"))?)?;
    }
    Ok(())
}

async fn pgbench(database: &Database, files: &Path, duration: Duration, options: &[&str]) -> anyhow::Result<String> {
    let pool = PgPool::connect(database.admin().as_str()).await?;
    raw_sql(TABLES).execute(&pool).await?;
    let script = files.join("yardstick.sql");
    tokio::fs::write(&script, SCRIPT).await?;
    let program = Servers::locate().await?.programs()?.postgres_programs.join("pgbench");
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol", "prepared", "--client", CLIENTS, "--jobs", "2"])
        .args(["--time", &duration.as_secs().to_string(), "--file"])
        .arg(script)
        .args(options)
        .arg(database.admin().as_str())
        .stdin(Stdio::null())
        .output()
        .await?;
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
