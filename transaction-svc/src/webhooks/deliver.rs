//! The deliverer: leases what is due, sends it, and records what became of it.
//!
//! Three loops in one task. An attempt is on the books before its request leaves; requests leave outside of any
//! transaction; results are recorded many at a time. A process that dies leaves attempts without a result and leases that
//! end: others send again, and the receiver knows the id.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use contract::webhook::AttemptOutcome;
use futures_util::{StreamExt, stream::FuturesUnordered};
use messaging::Round;
use service_kit::{postgres::answered, seeded, telemetry::chain};
use time::OffsetDateTime;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    SHORTEST_ROUND, Webhooks,
    hand::{Hand, Next, Places, Ready},
    send::Answer,
    targets::{Target, TargetError},
};
use crate::store::webhooks::queue::{self, Leased, Place};

/// How long a lease lasts. Longer than it may take to begin an attempt and to end it.
const LEASE: Duration = Duration::from_secs(60);
/// What has not begun by then is given back.
const BEGIN_WITHIN: Duration = Duration::from_secs(30);
/// How long to look away when nothing is due and nobody has told.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_millis(500);
/// How long requests under way may take once the process is told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(2);
const RESULTS: usize = 4_096;
const EVENT_IS_GONE: &str = "the journal does not hold the event any more";

/// A delivery in hand.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) leased: Leased,
    target: Result<std::sync::Arc<Target>, TargetError>,
}

/// What the recorder is told.
#[derive(Debug)]
pub(super) enum Report {
    Ended { leased: Box<Leased>, took: Duration, finished_at: OffsetDateTime, answer: Answer },
    NotBegun(Place),
}

struct Shared {
    hand: Mutex<Hand<Held>>,
    /// Something was leased.
    leased: Notify,
    /// Something was sent.
    room: Notify,
}

impl Shared {
    fn hand(&self) -> MutexGuard<'_, Hand<Held>> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Webhooks {
    /// Delivers until it is told to stop; then finishes what is under way, and gives the rest back. Any number of replicas
    /// may do so at a time.
    pub(super) async fn deliver(&self, token: CancellationToken) {
        let places = Places { of_others: self.per_endpoint, of_configured: self.own_places };
        let shared = Shared { hand: Mutex::new(Hand::new(places)), leased: Notify::new(), room: Notify::new() };
        let (reports, ended) = mpsc::channel(RESULTS);
        tokio::join!(self.lease(&shared, &token), self.send(&shared, reports, &token), self.record(ended));
    }

    async fn lease(&self, shared: &Shared, token: &CancellationToken) {
        while !token.is_cancelled() {
            let room = shared.hand().room();
            let (round, now) = (Round::begin(SHORTEST_ROUND), self.clock.now());
            let begin_by = Instant::now() + BEGIN_WITHIN;
            let pause = match answered(queue::lease(&self.pool, &room, now, now + LEASE)).await {
                Ok(leased) => {
                    let found = !leased.is_empty();
                    if found {
                        reach("webhooks::leased").await;
                    }
                    let mut ready = Vec::with_capacity(leased.len());
                    for leased in leased {
                        let target = self.targets.of(&leased).await;
                        ready.push(Ready {
                            endpoint: leased.place.endpoint,
                            is_configured: leased.endpoint_is_configured,
                            begin_by,
                            what: Held { leased, target },
                        });
                    }
                    let more = {
                        let mut hand = shared.hand();
                        hand.take(&room, ready);
                        hand.runs_low()
                    };
                    if found {
                        shared.leased.notify_one();
                    }
                    if more {
                        round.rest().await;
                        continue;
                    }
                    POLL
                }
                Err(error) => {
                    tracing::warn!(cause = chain(&error), "No deliveries can be leased for now.");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.due.notified(), if pause == POLL => {}
                () = shared.room.notified(), if pause == POLL => {}
                () = sleep(pause) => {}
                () = token.cancelled() => {}
            }
        }
    }

    async fn send(&self, shared: &Shared, reports: mpsc::Sender<Report>, token: &CancellationToken) {
        let mut sending = FuturesUnordered::new();
        while !token.is_cancelled() {
            loop {
                let next = shared.hand().next(Instant::now());
                match next {
                    Some(Next::Send(held)) => sending.push(self.attempt(held)),
                    Some(Next::GiveBack(held)) => report(&reports, Report::NotBegun(held.leased.place)).await,
                    None => break,
                }
            }
            tokio::select! {
                Some(ended) = sending.next() => self.ended(shared, &reports, ended).await,
                () = shared.leased.notified() => {}
                () = token.cancelled() => {}
            }
        }
        let finish = async {
            while let Some(ended) = sending.next().await {
                self.ended(shared, &reports, ended).await;
            }
        };
        if timeout(FINISH_WITHIN, finish).await.is_err() {
            let under_way = shared.hand().sending();
            tracing::warn!(
                under_way,
                "Requests to {under_way} receivers were cut; they are repeated when their leases end."
            );
        }
        let rest = shared.hand().lay_down();
        for held in rest {
            report(&reports, Report::NotBegun(held.leased.place)).await;
        }
    }

    async fn attempt(&self, held: Held) -> Report {
        let Held { leased, target } = held;
        let began = Instant::now();
        let answer = match (&leased.body, target) {
            (Some(body), Ok(target)) => self.sender.attempt(&leased, body, &target).await,
            (None, _) => Answer::failure(AttemptOutcome::NotSent, EVENT_IS_GONE.to_owned()),
            (Some(_), Err(error)) => {
                let endpoint = leased.place.endpoint;
                let cause = chain(&error);
                tracing::error!(%endpoint, cause, "Webhooks to endpoint {endpoint} cannot be signed.");
                Answer::failure(AttemptOutcome::NotSent, error.to_string())
            }
        };
        reach("webhooks::answered").await;
        Report::Ended { leased: Box::new(leased), took: began.elapsed(), finished_at: self.clock.now(), answer }
    }

    async fn ended(&self, shared: &Shared, reports: &mpsc::Sender<Report>, ended: Report) {
        if let Report::Ended { leased, .. } = &ended {
            let mut hand = shared.hand();
            hand.ended(leased.place.endpoint);
            if hand.runs_low() {
                shared.room.notify_one();
            }
        }
        report(reports, ended).await;
    }
}

/// The recorder ends after the last sender is gone.
async fn report(reports: &mpsc::Sender<Report>, what: Report) {
    reports.send(what).await.ok();
}

/// A point beyond which a test lets nobody get, with the action `return`: unlike `pause` it blocks no thread of the runtime,
/// on which somebody's request may wait.
async fn reach(point: &'static str) {
    if seeded::bug(point) {
        std::future::pending::<()>().await;
    }
}
