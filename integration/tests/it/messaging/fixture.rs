//! A nats-server for one test, clients of each role, and events to publish.

use std::{path::Path, time::Duration};

use async_nats::{Client, ConnectOptions, jetstream};
use contract::{EventId, EventKind};
use integration::{
    eventually::eventually,
    stack::{ports::Port, process::Process, program::Program, readiness::Readiness, servers::Servers},
};
use messaging::{
    NatsConfig, OutgoingMessage, Publisher, Role, Subject, TopologySettings,
    permissions::server_configuration,
    topology::{self, NOTIFICATIONS},
};
use secrecy::SecretString;
use tempfile::TempDir;
use time::OffsetDateTime;
use uuid::Uuid;

pub(super) const PASSWORD: &str = "a password for a test";

/// Three signs of life fit into it, on a slow machine too.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(4);

/// A nats-server with a user for each role, and an administrator who may do everything.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) port: Port,
    _directory: TempDir,
}

impl Server {
    /// Without streams.
    pub(super) async fn bare() -> Self {
        let servers = Servers::locate().await.unwrap().programs().unwrap();
        Self::of(&servers.nats_server).await
    }

    /// With the topology as migrations make it.
    pub(super) async fn start() -> Self {
        let server = Self::bare().await;
        topology::ensure(&server.client(Role::Provisioner).await, &small()).await.unwrap();
        server
    }

    async fn of(program: &Path) -> Self {
        let (port, monitor) = (Port::any().unwrap(), Port::any().unwrap());
        let directory = TempDir::new().unwrap();
        let configuration = directory.path().join("nats.conf");
        let text = format!(
            "listen: \"127.0.0.1:{}\"\nhttp: \"127.0.0.1:{}\"\njetstream {{ store_dir: {:?} }}\n{}",
            port.number(),
            monitor.number(),
            directory.path().join("store"),
            users(),
        );
        std::fs::write(&configuration, text).unwrap();
        let arguments = [Path::new("--config"), &configuration];
        let program =
            Program::new("nats-server", program.to_owned(), directory.path().join("log")).arguments(arguments);
        let health = format!("http://127.0.0.1:{}/healthz", monitor.number()).parse().unwrap();
        let process = Process::new(program, Readiness::Http(health));
        process.start().await.unwrap();
        Self { process, port, _directory: directory }
    }

    pub(super) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port.number())
    }

    /// As a service connects.
    pub(super) async fn client(&self, role: Role) -> Client {
        self.client_through(self.port.number(), role).await
    }

    pub(super) async fn client_through(&self, port: u16, role: Role) -> Client {
        let (url, user) = (format!("nats://127.0.0.1:{port}"), role.as_str().to_owned());
        let config = NatsConfig { url, user, password: SecretString::from(PASSWORD) };
        let client = messaging::connect(&config, role, "test").await.unwrap();
        client.flush().await.unwrap();
        client
    }

    pub(super) async fn publisher(&self) -> Publisher {
        Publisher::with_ack_timeout(self.client(Role::TransactionSvc).await, Duration::from_secs(3))
    }

    /// Publishes these in order after what is there.
    pub(super) async fn publish(&self, messages: &[OutgoingMessage]) {
        let publisher = self.publisher().await;
        let last = publisher.stream_state().await.unwrap().last_sequence;
        let outcome = publisher.publish_in_order(messages, last).await;
        assert_eq!(outcome.acknowledged.len(), messages.len(), "{:?}", outcome.end);
    }

    /// Somebody who may do what no role of ours may.
    pub(super) async fn administrator(&self) -> jetstream::Context {
        let options = ConnectOptions::with_user_and_password("administrator".to_owned(), PASSWORD.to_owned());
        jetstream::new(options.connect(self.address()).await.unwrap())
    }

    /// Ids and bodies of a stream, in its order.
    pub(super) async fn stored(&self, stream: &str) -> Vec<jetstream::message::StreamMessage> {
        let stream = self.administrator().await.get_stream(stream).await.unwrap();
        let state = stream.cached_info().state.clone();
        let mut stored = Vec::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            stored.push(stream.get_raw_message(sequence).await.unwrap());
        }
        stored
    }

    /// Of a stream of events.
    pub(super) async fn stored_ids(&self) -> Vec<String> {
        let id = |message: &jetstream::message::StreamMessage| message.headers.get("Nats-Msg-Id").unwrap().to_string();
        self.stored(topology::TRANSACTIONS).await.iter().map(id).collect()
    }

    /// Redelivers after [`ACK_WAIT`] instead of half a minute.
    pub(super) async fn shorten_ack_wait(&self) {
        let stream = self.administrator().await.get_stream(NOTIFICATIONS.stream).await.unwrap();
        let mut config = stream.consumer_info(NOTIFICATIONS.name).await.unwrap().config;
        config.ack_wait = ACK_WAIT;
        stream.update_consumer(config).await.unwrap();
    }

    pub(super) async fn ack_pending(&self) -> usize {
        let stream = self.administrator().await.get_stream(NOTIFICATIONS.stream).await.unwrap();
        stream.consumer_info(NOTIFICATIONS.name).await.unwrap().num_ack_pending
    }
}

/// Waits until this is so.
pub(super) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    eventually(what, async || {
        anyhow::ensure!(condition().await, "it is not");
        Ok(())
    })
    .await;
}

fn users() -> String {
    let password = SecretString::from(PASSWORD);
    server_configuration(&Role::ALL.map(|role| (role, password.clone())), Some(&password))
}

pub(super) fn small() -> TopologySettings {
    let mebibytes = 64 * 1024 * 1024;
    TopologySettings {
        transactions_max_bytes: mebibytes,
        redrive_max_bytes: mebibytes,
        dead_letters_max_bytes: mebibytes,
        ..TopologySettings::default()
    }
}

/// Events 1 to `count` of one account.
pub(super) fn events(count: u64) -> Vec<OutgoingMessage> {
    (1..=count).map(|number| event(number, format!("{{\"number\": {number}}}"))).collect()
}

pub(super) fn event(number: u64, body: impl Into<bytes::Bytes>) -> OutgoingMessage {
    let id = EventId::new(OffsetDateTime::UNIX_EPOCH, number);
    let subject = Subject::of(EventKind::TransactionPosted, Uuid::from_u128(7));
    OutgoingMessage { id, subject, body: body.into(), traceparent: None }
}

pub(super) fn ids(messages: &[OutgoingMessage]) -> Vec<String> {
    messages.iter().map(|message| message.id.to_string()).collect()
}
