//! A nats-server for one test, clients of each role, and a consumer that does what the test says.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_nats::{Client, ConnectOptions, jetstream};
use contract::{EventId, EventKind};
use integration::{
    eventually::eventually,
    stack::{ports::Port, process::Process, program::Program, readiness::Readiness, wheels::Servers},
};
use messaging::{
    Consumer, ConsumerMetrics, Delivery, Disposition, Handler, NatsConfig, Outage, OutgoingMessage, ParkedMessage,
    Parking, Publisher, Role, Subject, TopologySettings,
    consumer::Setting,
    metrics::ConsumerState,
    permissions::server_configuration,
    topology::{self, Durable, NOTIFICATIONS},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) const PASSWORD: &str = "a password for a test";

/// A nats-server with a user for each role, and an administrator who may do everything.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) port: Port,
    _directory: TempDir,
}

impl Server {
    /// Without streams.
    pub(super) async fn bare() -> Self {
        let servers = Servers::install().await.unwrap();
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
        Publisher::with_ack_timeout(self.client(Role::TransactionSvc).await, Duration::from_secs(1))
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

    /// Redelivers after this time instead of half a minute.
    pub(super) async fn set_ack_wait(&self, ack_wait: Duration) {
        let stream = self.administrator().await.get_stream(NOTIFICATIONS.stream).await.unwrap();
        let mut config = stream.consumer_info(NOTIFICATIONS.name).await.unwrap().config;
        config.ack_wait = ack_wait;
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
    let roles = server_configuration(&Role::ALL.map(|role| (role, SecretString::from(PASSWORD))));
    let mut roles: Value = serde_json::from_str(roles.strip_prefix("authorization:").unwrap()).unwrap();
    let administrator = json!({"user": "administrator", "password": PASSWORD});
    roles["users"].as_array_mut().unwrap().push(administrator);
    format!("authorization: {roles}\n")
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

type Answer = Arc<dyn Fn(&Delivery) -> Disposition + Send + Sync>;

/// A handler that remembers what it saw and answers as told; it may be away, or held up.
#[derive(Clone)]
pub(super) struct Desk {
    answer: Answer,
    pub(super) away: Arc<AtomicBool>,
    /// Each batch needs a permit to be answered.
    pub(super) permits: Arc<Semaphore>,
    /// Bodies and attempts, as they came in.
    pub(super) begun: Arc<Mutex<Vec<(String, u32)>>>,
    /// Bodies, as they were answered.
    pub(super) answered: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    pub(super) fn new(answer: impl Fn(&Delivery) -> Disposition + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
            away: Arc::default(),
            permits: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            begun: Arc::default(),
            answered: Arc::default(),
        }
    }

    /// Everything goes well.
    pub(super) fn content() -> Self {
        Self::new(|_| Disposition::Done)
    }

    /// Begins and does not answer until it gets permits.
    pub(super) fn held_up(self) -> Self {
        Self { permits: Arc::new(Semaphore::new(0)), ..self }
    }

    pub(super) fn begun(&self) -> Vec<(String, u32)> {
        self.begun.lock().unwrap().clone()
    }

    pub(super) fn answered(&self) -> Vec<String> {
        self.answered.lock().unwrap().clone()
    }

    /// Waits until so many were answered.
    pub(super) async fn has_answered(&self, count: usize) {
        eventually("the messages are handled", async || {
            let answered = self.answered().len();
            anyhow::ensure!(answered >= count, "{answered} of {count}");
            Ok(())
        })
        .await;
    }

    pub(super) async fn has_begun(&self, count: usize) {
        eventually("the messages reach the handler", async || {
            let begun = self.begun().len();
            anyhow::ensure!(begun >= count, "{begun} of {count}");
            Ok(())
        })
        .await;
    }
}

impl Handler for Desk {
    async fn handle(&self, batch: &[Delivery]) -> Result<Vec<Disposition>, Outage> {
        if self.away.load(SeqCst) {
            return Err(Outage::new("the desk is away"));
        }
        self.begun.lock().unwrap().extend(batch.iter().map(|delivery| (body(delivery), delivery.attempt)));
        self.permits.acquire().await.unwrap().forget();
        self.answered.lock().unwrap().extend(batch.iter().map(body));
        Ok(batch.iter().map(|delivery| (self.answer)(delivery)).collect())
    }
}

pub(super) fn body(delivery: &Delivery) -> String {
    String::from_utf8(delivery.body.to_vec()).unwrap()
}

/// Parked messages in memory: what a service keeps in its database.
#[derive(Clone, Default)]
pub(super) struct Drawer {
    pub(super) parked: Arc<Mutex<Vec<ParkedMessage>>>,
    pub(super) stuck: Arc<AtomicBool>,
}

impl Drawer {
    pub(super) fn parked(&self) -> Vec<ParkedMessage> {
        self.parked.lock().unwrap().clone()
    }

    fn with<T>(&self, message: &ParkedMessage, act: impl FnOnce(&mut Vec<ParkedMessage>, Option<usize>) -> T) -> T {
        let mut parked = self.parked.lock().unwrap();
        let place = parked.iter().position(|other| other.delivery.sequence == message.delivery.sequence);
        act(&mut parked, place)
    }
}

impl Parking for Drawer {
    async fn park(&self, message: &ParkedMessage) -> Result<(), Outage> {
        if self.stuck.load(SeqCst) {
            return Err(Outage::new("the drawer is stuck"));
        }
        self.with(message, |parked, place| {
            if place.is_none() {
                parked.push(message.clone())
            }
        });
        Ok(())
    }

    async fn take_due(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<ParkedMessage>, Outage> {
        let mut parked = self.parked.lock().unwrap();
        let due = parked.iter_mut().filter(|message| message.due <= now).min_by_key(|message| message.due);
        Ok(due.map(|message| {
            message.due = until;
            message.delivery.attempt += 1;
            message.clone()
        }))
    }

    async fn reschedule(&self, message: &ParkedMessage) -> Result<(), Outage> {
        self.with(message, |parked, place| parked[place.unwrap()] = message.clone());
        Ok(())
    }

    async fn unpark(&self, message: &ParkedMessage) -> Result<(), Outage> {
        self.with(message, |parked, place| parked.swap_remove(place.unwrap()));
        Ok(())
    }
}

/// A consumer of the notification service that runs until it is stopped or crashes.
pub(super) struct Running {
    pub(super) metrics: Arc<ConsumerMetrics>,
    pub(super) clock: Arc<Mutex<OffsetDateTime>>,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Running {
    pub(super) async fn start(server: &Server, desk: &Desk, drawer: &Drawer) -> Self {
        Self::of(NOTIFICATIONS, server.client(Role::NotificationSvc).await, desk, drawer)
    }

    fn of(durable: Durable, client: Client, desk: &Desk, drawer: &Drawer) -> Self {
        let (metrics, stop) = (Arc::new(ConsumerMetrics::default()), CancellationToken::new());
        let clock = Arc::new(Mutex::new(datetime!(2026-11-23 6:15:37 UTC)));
        let tells = Arc::clone(&clock);
        let setting = Setting {
            client,
            durable,
            version: "1.2.3",
            clock: Arc::new(move || *tells.lock().unwrap()),
            metrics: Arc::clone(&metrics),
        };
        let consumer = Consumer::new(setting, desk.clone(), drawer.clone());
        let mut task = JoinSet::new();
        task.spawn(consumer.run(stop.clone()));
        Self { metrics, clock, stop, task }
    }

    /// As on SIGTERM.
    pub(super) fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        self.task.join_next().await.unwrap().unwrap();
    }

    /// As on `kill -9`.
    pub(super) async fn crash(mut self) {
        self.task.shutdown().await;
    }

    pub(super) fn advance_clock(&self, by: Duration) {
        *self.clock.lock().unwrap() += by;
    }

    pub(super) async fn is(&self, state: ConsumerState) {
        eventually("the consumer changes its state", async || {
            let now = self.metrics.snapshot();
            anyhow::ensure!(now.state == state, "{:?}: {:?}", now.state, now.last_error);
            Ok(())
        })
        .await;
    }
}
