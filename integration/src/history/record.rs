//! Clients that pay each other at random, and write down what they asked and were told.
//!
//! They are good clients: without an answer, or asked to try again, they repeat the request under its key, at any replica,
//! until they are told. Some are hasty (two requests under one key at once) or forgetful (they ask again what they know).
//! What they choose follows from the seed; what comes of it depends on the faults and on time.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use client::NewTransaction;
use contract::Currency;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
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

    /// How many payments have been told.
    #[must_use]
    pub fn told_so_far(&self) -> usize {
        *self.told.borrow()
    }

    /// Waits until so many more payments have been told.
    ///
    /// # Errors
    /// When they have not within a minute.
    pub async fn told(&self, payments: usize) -> anyhow::Result<()> {
        let mut told = self.told.subscribe();
        let enough = self.told_so_far() + payments;
        within(PATIENCE, "the clients are told more", async || {
            told.wait_for(|told| *told >= enough).await?;
            Ok(())
        })
        .await
    }

    async fn client(&self, number: usize, over: &CancellationToken) -> History {
        let mut random = SmallRng::seed_from_u64(self.load.seed.wrapping_mul(1_000_003) + number as u64);
        let mut history = History::default();
        for _ in 0..self.load.payments {
            if over.is_cancelled() {
                break;
            }
            self.pay_and_look(&mut random, &mut history).await;
            self.told.send_modify(|told| *told += 1);
            sleep(self.load.pause.mul_f64(random.random())).await;
        }
        history
    }

    async fn pay_and_look(&self, random: &mut SmallRng, history: &mut History) {
        let source = random.random_range(0..self.players.purses.len());
        let step = random.random_range(1..self.players.purses.len());
        let destination = self.players.purses[(source + step) % self.players.purses.len()].account;
        let source = self.players.purses[source];
        let payer = &self.players.users[source.owner];
        let key = format!("{}/{}", self.run, Uuid::from_u64_pair(random.random(), random.random()));
        let amount = cents(random.random_range(1..=LARGEST_PAYMENT));
        let request = NewTransaction {
            reference: Some(key.clone()),
            ..NewTransaction::new(source.account, destination, amount, Currency::EUR)
        };
        let mut payment = Payment { key, payer: payer.name.to_owned(), request, attempts: Vec::new() };
        self.pay(payer, &mut payment, random).await;

        if random.random_bool(0.25) {
            let asked = self.began.elapsed();
            if let Ok(account) = payer.replica(random).account(source.account).await {
                history.balances.push(SeenBalance { asked, ended: self.began.elapsed(), account });
            }
        }
        if random.random_bool(0.25)
            && let Some(transaction) = payment.transaction()
        {
            let transaction = match payer.replica(random).transaction(transaction.id).await {
                Ok(transaction) => Some(Some(transaction)),
                Err(error) if error.may_retry() => None,
                Err(_) => Some(None),
            };
            let seen = transaction.map(|transaction| SeenTransaction { key: payment.key.clone(), transaction });
            history.transactions.extend(seen);
        }
        history.payments.push(payment);
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
            if random.random_bool(0.125) {
                let (one, other) =
                    join!(self.attempt(payer, payment, random.random()), self.attempt(payer, payment, random.random()));
                payment.attempts.extend([one, other]);
            } else {
                payment.attempts.push(self.attempt(payer, payment, random.random()).await);
            }
            if payment.is_told() || started.elapsed() > PATIENCE {
                break;
            }
            sleep(pause).await;
        }
        if random.random_bool(0.25) {
            payment.attempts.push(self.attempt(payer, payment, random.random()).await);
        }
    }

    async fn attempt(&self, payer: &User, payment: &Payment, chance: u64) -> Attempt {
        let replica = payer.replica(&mut SmallRng::seed_from_u64(chance));
        let asked = self.began.elapsed();
        let outcome = Outcome::of(replica.create_raw(&payment.key, &payment.request).await);
        Attempt { asked, ended: self.began.elapsed(), outcome }
    }
}

impl User {
    fn replica(&self, random: &mut SmallRng) -> &client::Transactions {
        self.replicas.choose(random).unwrap_or(&self.replicas[0])
    }
}
