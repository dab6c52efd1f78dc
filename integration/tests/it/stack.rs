//! The stack itself: it starts real servers, keeps the services apart, and leaves nothing behind. Looks into `/proc`.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::ensure;
use integration::eventually::eventually;
use integration::stack::backing::Backing;
use integration::stack::directory::DataDirectory;
use integration::stack::provision::{NOTIFICATIONS, TRANSACTIONS, database_name};
use sqlx::{Connection, PgConnection};

/// A process that has ended and that nobody has asked about counts as gone.
fn runs(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

#[tokio::test]
async fn private_servers_leave_neither_processes_nor_data_behind() {
    let backing = Backing::private().await.unwrap();
    let pids: Vec<u32> = backing.processes().map(|process| process.pid().unwrap()).collect();
    let directory = backing.directory.path().to_owned();
    let database_home = directory.join("postgres").canonicalize().unwrap();
    assert_eq!(pids.len(), 3);
    assert!(database_home.join("data/PG_VERSION").exists());

    drop(backing);

    assert!(!pids.iter().any(|pid| runs(*pid)));
    assert!(!directory.exists());
    assert!(!database_home.exists());
}

#[tokio::test]
async fn a_killed_server_goes_on_with_its_data_at_the_same_address() {
    let backing = Backing::private().await.unwrap();
    let postgres = backing.postgres.process.as_ref().unwrap();
    let mut connection = PgConnection::connect(backing.database.admin().as_str()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7 AS number").execute(&mut connection).await.unwrap();

    postgres.kill().await.unwrap();
    assert_eq!(postgres.pid(), None);
    eventually("Postgres starts again once its backends are gone", async || postgres.start().await).await;

    let mut connection = PgConnection::connect(backing.database.admin().as_str()).await.unwrap();
    let number: i32 = sqlx::query_scalar("SELECT number FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(number, 7);
}

#[tokio::test]
async fn a_cloned_database_is_gone_with_its_value() {
    let backing = Backing::cloned().await.unwrap();
    let name = database_name(backing.database.admin()).to_owned();
    let server = backing.postgres.admin.clone();
    let pool = sqlx::PgPool::connect(backing.database.admin().as_str()).await.unwrap();
    drop(backing);

    assert!(sqlx::query("SELECT 1").execute(&pool).await.is_err());
    let mut connection = PgConnection::connect(server.as_str()).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_service_has_its_own_schema_short_timeouts_and_nothing_else() {
    let backing = Backing::cloned().await.unwrap();
    for (own, other) in [(TRANSACTIONS, NOTIFICATIONS), (NOTIFICATIONS, TRANSACTIONS)] {
        let mut connection = PgConnection::connect(backing.database.service(own).as_str()).await.unwrap();
        let settings: Vec<String> = sqlx::query_scalar(
            "SELECT setting FROM pg_settings WHERE name IN \
             ('idle_in_transaction_session_timeout', 'lock_timeout', 'search_path', 'statement_timeout') ORDER BY name",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert_eq!(settings, ["3000", "3000", own.schema, "5000"]);

        for schema in [other.schema, "public"] {
            let create = format!("CREATE TABLE {schema}.intruder ()");
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.unwrap_err();
            let code = refused.as_database_error().and_then(|error| error.code()).unwrap().into_owned();
            assert_eq!(code, "42501", "{refused}");
        }
        let usage: bool = sqlx::query_scalar("SELECT has_schema_privilege($1, 'USAGE')")
            .bind(other.schema)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(!usage, "{} can look into {}", own.service, other.schema);
    }
}

#[test]
fn a_command_beside_the_servers_ends_as_it_would_alone() {
    let postgres_gone = |pid: &str| !runs(pid.trim().parse().unwrap());
    let beside = Command::new(env!("CARGO_BIN_EXE_platform"))
        .args(["servers", "--", "sh", "-c", "pgrep -P $PPID -x postgres; exit 7"])
        .env_remove(integration::config::POSTGRES_URL)
        .output()
        .unwrap();
    assert_eq!(beside.status.code(), Some(7), "{}", String::from_utf8_lossy(&beside.stderr));
    assert!(postgres_gone(&String::from_utf8(beside.stdout).unwrap()));
}

#[tokio::test]
async fn servers_die_with_a_killed_parent_and_their_data_with_the_next_start() {
    let mut parent = Command::new(env!("CARGO_BIN_EXE_platform"))
        .args(["servers", "--", "sh", "-c", "pgrep -P $PPID -x postgres; read end"])
        .env_remove(integration::config::POSTGRES_URL)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let postgres = line.trim().parse().unwrap();
    assert!(runs(postgres));
    let data = fs::read_link(format!("/proc/{postgres}/cwd")).unwrap();

    parent.kill().unwrap();
    parent.wait().unwrap();
    eventually("Postgres ends with its parent", async || {
        ensure!(!runs(postgres), "it still runs");
        Ok(())
    })
    .await;

    assert!(data.exists());
    drop(DataDirectory::scratch().unwrap());
    assert!(!data.exists(), "the next stack removes what a killed one left");
}
