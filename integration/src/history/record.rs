//! Clients that pay each other at random, and write down what they asked and were told.
//!
//! They are good clients: without an answer, or asked to try again, they repeat the request under its key, at any
//! replica, until they are told. Some are hasty (two requests under one key at once), some forgetful (they ask again
//! what they know). What they want follows from the seed; what comes of it depends on the faults and on time.

use std::{
    mem,
    pin::pin,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use client::{NewTransaction, Transactions};
use contract::Currency;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tokio::{join, sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    players::{Players, User},
    told::{Attempt, History, Outcome, Payment, SeenBalance, SeenTransaction},
};
use crate::{
    eventually::within,
    people::{cents, fresh_key},
    stack::platform::Platform,
};

/// For how long a client asks what became of its request, and how long is waited for the clients' progress: longer than
/// any fault lasts.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGEST_PAYMENT: i64 = 500;
/// How likely it is that a client is hasty,
const FEW: f64 = 0.125;
/// and that it is forgetful, or looks at what it has done.
const SOME: f64 = 0.25;

/// How much the clients do.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub seed: u64,
    pub clients: usize,
    /// At most, between two payments of one client.
    pub pause: Duration,
    /// At most, of one client.
    pub payments: usize,
}

impl Default for Load {
    /// A few hundred payments a second at the most.
    fn default() -> Self {
        Self { seed: 1, clients: 8, pause: Duration::from_millis(40), payments: 10_000 }
    }
}

/// The clients of one run.
#[derive(Debug)]
pub struct Recorder {
    load: Load,
    players: Players,
    /// What the keys of the run begin with.
    run: String,
    began: Instant,
    told: watch::Sender<usize>,
}

impl Recorder {
    /// Clients with new accounts.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn new(platform: &Platform, load: Load) -> anyhow::Result<Self> {
        let players = Players::assemble(platform).await?;
        Ok(Self { load, players, run: fresh_key(), began: Instant::now(), told: watch::Sender::new(0) })
    }

    /// Drives the clients while `story` goes on, and until each has been told what became of its last request.
    pub async fn during<T>(&self, story: impl Future<Output = T>) -> (History, T) {
        let over = CancellationToken::new();
        let clients = join_all((0..self.load.clients).map(|number| self.client(number, &over)));
        let story = async {
            let outcome = story.await;
            over.cancel();
            outcome
        };
        let (histories, outcome) = join!(clients, story);
        (histories.into_iter().fold(History::default(), History::and), outcome)
    }

    /// Waits until so many more payments have been told.
    ///
    /// # Errors
    /// When they have not within a minute.
    pub async fn told(&self, payments: usize) -> anyhow::Result<()> {
        let mut told = self.told.subscribe();
        let enough = *told.borrow() + payments;
        within(PATIENCE, "the clients are told more", async || {
            told.wait_for(|told| *told >= enough).await?;
            Ok(())
        })
        .await
    }

    /// How long the run has lasted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Lets `story` go on, and gives the longest time of it in which no client was told anything.
    pub async fn silence_during<T>(&self, story: impl Future<Output = T>) -> (T, Duration) {
        let mut told = self.told.subscribe();
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        let mut story = pin!(story);
        loop {
            tokio::select! {
                outcome = &mut story => return (outcome, longest.max(last.elapsed())),
                _ = told.changed() => longest = longest.max(mem::replace(&mut last, Instant::now()).elapsed()),
            }
        }
    }

    async fn client(&self, number: usize, over: &CancellationToken) -> History {
        let mut history = History::default();
        // One draw for each payment, however many its fate takes.
        let seed = self.load.seed.wrapping_mul(self.load.clients as u64).wrapping_add(number as u64);
        let mut seeds = SmallRng::seed_from_u64(seed);
        for _ in 0..self.load.payments {
            if over.is_cancelled() {
                break;
            }
            let mut random = SmallRng::seed_from_u64(seeds.random());
            let (payer, mut payment) = self.draw(&mut random);
            self.pay(payer, &mut payment, &mut random).await;
            if random.random_bool(SOME) {
                history.balances.extend(self.look_at_source(&payment, payer.replica(&mut random)).await);
            }
            if random.random_bool(SOME) {
                history.transactions.extend(look_at_transaction(&payment, payer.replica(&mut random)).await);
            }
            history.payments.push(payment);
            self.told.send_modify(|told| *told += 1);
            sleep(self.load.pause.mul_f64(random.random())).await;
        }
        history
    }

    fn draw(&self, random: &mut SmallRng) -> (&User, Payment) {
        let purses = &self.players.purses;
        let (source, step) = (random.random_range(0..purses.len()), random.random_range(1..purses.len()));
        let (source, destination) = (purses[source], purses[(source + step) % purses.len()]);
        let payer = &self.players.users[source.owner];
        let key = format!("{}/{}", self.run, Uuid::from_u64_pair(random.random(), random.random()));
        let amount = cents(random.random_range(1..=LARGEST_PAYMENT));
        let request = NewTransaction {
            reference: Some(key.clone()),
            ..NewTransaction::new(source.account, destination.account, amount, Currency::EUR)
        };
        (payer, Payment { key, payer: payer.name.to_owned(), request, attempts: Vec::new() })
    }

    /// Asks until told, or out of patience.
    async fn pay(&self, payer: &User, payment: &mut Payment, random: &mut SmallRng) {
        let started = Instant::now();
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_millis(500))
            .with_jitter()
            .without_max_times();
        for pause in pauses.build() {
            let (one, other) = (payer.replica(random), payer.replica(random));
            if random.random_bool(FEW) {
                let (one, other) = join!(self.attempt(payment, one), self.attempt(payment, other));
                payment.attempts.extend([one, other]);
            } else {
                payment.attempts.push(self.attempt(payment, one).await);
            }
            if payment.is_told() || started.elapsed() > PATIENCE {
                break;
            }
            sleep(pause).await;
        }
        if random.random_bool(SOME) {
            payment.attempts.push(self.attempt(payment, payer.replica(random)).await);
        }
    }

    async fn attempt(&self, payment: &Payment, replica: &Transactions) -> Attempt {
        let asked = self.began.elapsed();
        let outcome = Outcome::of(replica.create_raw(&payment.key, &payment.request).await);
        Attempt { asked, ended: self.began.elapsed(), outcome }
    }

    async fn look_at_source(&self, payment: &Payment, replica: &Transactions) -> Option<SeenBalance> {
        let asked = self.began.elapsed();
        let account = replica.account(payment.request.source).await.ok()?;
        Some(SeenBalance { asked, ended: self.began.elapsed(), account })
    }
}

async fn look_at_transaction(payment: &Payment, replica: &Transactions) -> Option<SeenTransaction> {
    let transaction = match replica.transaction(payment.transaction()?.id).await {
        Ok(transaction) => Some(transaction),
        Err(error) if error.may_retry() => return None,
        Err(_) => None,
    };
    Some(SeenTransaction { key: payment.key.clone(), transaction })
}

impl User {
    fn replica(&self, random: &mut SmallRng) -> &Transactions {
        &self.replicas[random.random_range(0..self.replicas.len())]
    }
}
