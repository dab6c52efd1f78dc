//! A consumer for tests: a handler that does as told, parking in memory, and the runtime around them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use async_nats::Client;
use integration::eventually::eventually;
use messaging::{
    Consumer, ConsumerMetrics, Delivery, Disposition, Handler, Outage, ParkedMessage, Parking, Role,
    metrics::ConsumerState,
    setting::Setting,
    topology::{Durable, NOTIFICATIONS},
};
use time::{OffsetDateTime, macros::datetime};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::fixture::{ACK_WAIT, Server};

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

    /// Waits until it has tried in vain so many times, for longer than the broker waits for an acknowledgement.
    pub(super) async fn is_away_for_long(&self, times: u64) {
        let since = Instant::now();
        eventually("it tries again and again", async || {
            let (outages, lasted) = (self.metrics.snapshot().outages, since.elapsed());
            anyhow::ensure!(outages >= times && lasted > 2 * ACK_WAIT, "{outages} times in {lasted:?}");
            Ok(())
        })
        .await;
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
