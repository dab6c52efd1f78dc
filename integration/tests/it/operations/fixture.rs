//! An operator at a terminal of the notification service, and dead letters to look at.

use std::{future::ready, process::Output};

use bytes::Bytes;
use contract::ReplayId;
use futures_util::{StreamExt, stream};
use integration::{
    eventually::eventually,
    stack::{
        platform::Platform,
        program::Program,
        service::{self, ServiceKind, built_programs},
        settings,
    },
};
use messaging::{NatsConfig, Role};
use serde_json::Value;
use sqlx::PgPool;
use tokio::process::Command;

/// Runs commands with the configuration of a service.
pub(crate) struct Terminal {
    program: Program,
}

/// What a command printed, line by line, and how it ended.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) lines: Vec<Value>,
    pub(crate) complaint: String,
}

impl Terminal {
    pub(crate) fn of(platform: &Platform, kind: ServiceKind) -> Self {
        let settings = settings::serve(kind, &platform.backing);
        let log = platform.backing.directory.path().join("operator.log");
        Self { program: service::program(kind, "", &built_programs().unwrap(), log, &settings) }
    }

    /// Words are separated by spaces, except the last argument, which is why.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.program.executable);
        command.args(words.split_whitespace()).envs(self.program.environment.iter().cloned()).env("USER", "olivia");
        command.kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, words: &str) -> Printed {
        Printed::of(&self.command(words).output().await.unwrap())
    }

    /// Runs a command that has to succeed.
    pub(crate) async fn lines(&self, words: &str) -> Vec<Value> {
        let printed = self.run(words).await;
        assert_eq!(printed.code, Some(0), "{words}: {}", printed.complaint);
        printed.lines
    }
}

impl Printed {
    pub(crate) fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line));
        let lines = match serde_json::from_str::<Value>(&text) {
            Ok(document) => vec![document],
            Err(_) => text.lines().map(read).collect(),
        };
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Self { code: output.status.code(), lines, complaint }
    }
}

/// A dead letter that no consumer has written. Gives its id.
pub(crate) async fn plant_dead_letter(platform: &Platform, body: &'static str) -> u64 {
    plant_dead_letters(platform, "malformed", body.into(), 1).await
}

/// Many of them, all the same. Gives the id of the last.
#[expect(clippy::disallowed_methods, reason = "what a test plants needs no door")]
pub(crate) async fn plant_dead_letters(platform: &Platform, reason: &str, body: Bytes, count: usize) -> u64 {
    const AT_ONCE: usize = 500;
    let nats = &platform.backing.nats;
    let login = nats.login(Role::NotificationSvc);
    let config = NatsConfig { url: nats.url.to_string(), user: login.user, password: login.password.into() };
    let client = messaging::connect(&config, Role::NotificationSvc, "test").await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let subject = format!("dead_letters.notification-svc.{reason}");
    let plant = async || Ok(jetstream.publish(subject.clone(), body.clone()).await?.await?.sequence);
    let mut last = eventually("the first dead letter is kept", plant).await;
    let rest = stream::iter(1..count).map(|_| plant()).buffered(AT_ONCE);
    rest.for_each(|kept: anyhow::Result<u64>| {
        last = kept.unwrap();
        ready(())
    })
    .await;
    last
}

/// A replay of nothing, planned.
pub(crate) async fn plan_replay(platform: &Platform) -> ReplayId {
    let terminal = Terminal::of(platform, ServiceKind::Notification);
    let planned = terminal.lines("replay --user nobody --reason story").await;
    planned[0]["id"].as_str().unwrap().parse().unwrap()
}

/// Everything that a replay has to give back as it was: the rows of notifications without the moments at which they were
/// stored, and the counters without their versions.
pub(crate) async fn inboxes(database: &PgPool) -> Vec<(String, i64, Value)> {
    let rows = sqlx::query_as(
        "SELECT recipient, position, to_jsonb(notification) - 'created_at' FROM notifications.notifications AS notification
         UNION ALL
         SELECT recipient, 0, to_jsonb(counter) - 'version' FROM notifications.notification_counters AS counter
         ORDER BY 1, 2",
    );
    rows.fetch_all(database).await.unwrap()
}

/// Half of all notifications, gone. Gives how many.
pub(crate) async fn lose_half(database: &PgPool) -> u64 {
    let lost = sqlx::query("DELETE FROM notifications.notifications WHERE get_byte(uuid_send(id), 15) % 2 = 0");
    let lost = lost.execute(database).await.unwrap().rows_affected();
    assert!(lost > 0);
    lost
}

/// Waits until there are so many dead letters, by reason.
pub(crate) async fn there_are(platform: &Platform, expected: &[(&str, u64)]) {
    let terminal = Terminal::of(platform, ServiceKind::Notification);
    eventually("the dead letters are there", async || {
        let counts = terminal.lines("dead-letters list").await;
        let found: Vec<_> =
            counts.iter().map(|class| (class["reason"].as_str().unwrap(), class["count"].as_u64().unwrap())).collect();
        anyhow::ensure!(found == expected, "{found:?}");
        Ok(())
    })
    .await;
}

/// Waits until a user has so many unread notifications.
pub(crate) async fn unread(platform: &Platform, user: &str, count: i64) {
    let person = platform.person(user).unwrap();
    eventually("the notifications are there", async || {
        let counts = person.inbox.counts("me").await?;
        anyhow::ensure!(counts.unread == count, "{counts:?}");
        Ok(())
    })
    .await;
}
