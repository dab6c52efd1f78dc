//! A random load of every command on two replicas at once. Afterwards the journal says in which order it all happened; the
//! naive ledger, asked the same in that order, must say and leave the same. Whatever was refused must have been refusable
//! at a moment between the question and its answer.

use std::{sync::Mutex, time::Instant};

use contract::{AccountId, TransactionId};
use futures_util::future::join_all;
use integration::{people::fresh_key, stack::identity::SERVICE_SCOPES};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::{Value, json};
use tokio::join;

use super::{
    naive::{Ask, Books, Hold, Said, Who},
    replay::{Step, renamed, replay},
};
use crate::{
    stage::{ACCOUNTS, Stage, TRANSACTIONS},
    wire::{Reply, Wire},
};

const HOLDERS: [&str; 3] = ["ada", "ben", "cleo"];
const OFFICE: usize = HOLDERS.len();
const CURRENCIES: [&str; 2] = ["EUR", "JPY"];
const CLIENTS: u64 = 8;
const REQUESTS: usize = 40;
/// How likely it is that a request is sent to both replicas at once, under one key.
const TWICE: f64 = 0.2;

/// What clients know, and all may name.
pub(super) struct World {
    /// Of each holder and the office, at both replicas.
    wires: Vec<[Wire; 2]>,
    pub(super) accounts: Vec<(AccountId, Ask)>,
    pub(super) payments: Mutex<Vec<TransactionId>>,
}

/// A request, and what was answered to it.
pub(super) struct Asked {
    pub(super) who: Who,
    /// Payments are named by their place among those that clients know.
    pub(super) ask: Ask,
    began: Instant,
    ended: Instant,
    pub(super) reply: Reply,
}

#[tokio::test]
async fn two_replicas_do_what_a_naive_ledger_does() {
    let stage = Stage::with(2).await;
    let world = World::set_up(&stage).await;
    let asked = join_all((0..CLIENTS).map(|seed| client(&world, seed))).await;
    let asked: Vec<Asked> = asked.into_iter().flatten().collect();
    let (steps, places) = replay(&stage, &world, &asked).await;

    let applied = asked.iter().filter(|one| one.reply.status < 300).count();
    let caused = steps.iter().filter(|step| step.cause.is_some()).count();
    assert_eq!(caused, applied, "what was acknowledged has one event, and what was refused none");
    assert!(applied > asked.len() / 4, "only {applied} of {} requests did anything", asked.len());
    for one in asked.iter().filter(|one| one.reply.status >= 400) {
        assert_refusable(one, renamed(&one.ask, &world, &places), &steps, &asked);
    }
    assert_left(&stage, &world, &steps[steps.len() - 1].after).await;
    stage.assert_in_order().await;
}

impl World {
    /// An account without a limit for each currency, and two accounts of each holder.
    async fn set_up(stage: &Stage) -> Self {
        let office = stage.token("service", SERVICE_SCOPES);
        let mut wires: Vec<_> = HOLDERS.map(|name| [0, 1].map(|replica| stage.wire_at(replica, name))).into();
        wires.push([0, 1].map(|replica| stage.wire_at(replica, "service").bearing(&office)));
        let mut accounts = Vec::new();
        for owner in (0..=OFFICE).rev() {
            for (currency, code) in CURRENCIES.into_iter().enumerate() {
                let limit = (owner != OFFICE).then_some(0);
                let name = HOLDERS.get(owner).unwrap_or(&"service");
                let body = json!({"owner": name, "currency": code, "min_balance": limit.map(|_| "0")});
                let reply = wires[OFFICE][0].post(ACCOUNTS, &fresh_key(), body.to_string()).await;
                accounts.push((id(&reply), Ask::Open { owner, currency, limit }));
            }
        }
        Self { wires, accounts, payments: Mutex::default() }
    }

    fn wish(&self, random: &mut SmallRng) -> (Who, Ask) {
        let who = match random.random_range(0..OFFICE * 4) {
            holder if holder < OFFICE => Who::Holder(holder),
            _ => Who::Office,
        };
        let payments = self.payments.lock().unwrap().len();
        let payment = |random: &mut SmallRng| random.random_range(0..payments);
        let part = |random: &mut SmallRng| random.random_bool(0.7).then(|| random.random_range(1..150));
        let ask = match random.random_range(0..30) {
            0..2 if payments > 0 => Ask::Capture { payment: payment(random), amount: part(random) },
            2 if payments > 0 => Ask::Void { payment: payment(random) },
            3..5 if payments > 0 => Ask::Refund { payment: payment(random), amount: part(random) },
            5 if random.random_bool(0.2) => {
                // The first accounts, one for each currency, are where all money comes from.
                let account = random.random_range(CURRENCIES.len()..self.accounts.len());
                if random.random_bool(0.9) { Ask::Freeze { account } } else { Ask::Close { account } }
            }
            6 => Ask::Unfreeze { account: random.random_range(0..self.accounts.len()) },
            _ => {
                let source = random.random_range(0..self.accounts.len());
                let Ask::Open { currency, .. } = self.accounts[source].1 else { unreachable!() };
                // Accounts take turns with their currencies; most payments stay in one.
                let same = source + CURRENCIES.len() * random.random_range(1..=OFFICE);
                let any = random.random_range(0..self.accounts.len());
                Ask::Pay {
                    source,
                    destination: if random.random_bool(0.9) { same % self.accounts.len() } else { any },
                    amount: random.random_range(1..200),
                    currency,
                    hold: random.random_bool(0.5).then_some(Hold(None)),
                }
            }
        };
        // The edge turns everybody else away before the ledger is asked.
        let who = if matches!(ask, Ask::Freeze { .. } | Ask::Unfreeze { .. }) { Who::Office } else { who };
        (who, ask)
    }

    /// The path and the body of a request.
    fn request(&self, ask: &Ask) -> (String, Value) {
        let part = |amount: Option<i128>| amount.map_or(json!({}), |amount| json!({"amount": amount.to_string()}));
        let at =
            |payment: usize, what: &str| format!("{TRANSACTIONS}/{}/{what}", self.payments.lock().unwrap()[payment]);
        let status = |account: usize, what: &str| format!("{ACCOUNTS}/{}/{what}", self.accounts[account].0);
        match *ask {
            Ask::Pay { source, destination, amount, currency, ref hold } => {
                let capture = if hold.is_some() { "manual" } else { "automatic" };
                let body = json!({
                    "source": self.accounts[source].0, "destination": self.accounts[destination].0,
                    "amount": amount.to_string(), "currency": CURRENCIES[currency], "capture": capture
                });
                (TRANSACTIONS.to_owned(), body)
            }
            Ask::Capture { payment, amount } => (at(payment, "capture"), part(amount)),
            Ask::Void { payment } => (at(payment, "void"), json!({})),
            Ask::Refund { payment, amount } => (at(payment, "refunds"), part(amount)),
            Ask::Freeze { account } => (status(account, "freeze"), json!({})),
            Ask::Unfreeze { account } => (status(account, "unfreeze"), json!({})),
            Ask::Close { account } => (status(account, "close"), json!({})),
            Ask::Open { .. } | Ask::Expire { .. } | Ask::Update { .. } => unreachable!("nobody wishes that"),
        }
    }
}

async fn client(world: &World, seed: u64) -> Vec<Asked> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut asked = Vec::new();
    for _ in 0..REQUESTS {
        let (who, ask) = world.wish(&mut random);
        let (path, body) = world.request(&ask);
        let [here, there] = &world.wires[if let Who::Holder(number) = who { number } else { OFFICE }];
        let (key, began) = (fresh_key(), Instant::now());
        let post = async |wire: &Wire| wire.post(&path, &key, body.to_string()).await;
        let reply = if random.random_bool(TWICE) {
            let (one, other) = join!(post(here), post(there));
            assert_eq!((one.status, &one.body), (other.status, &other.body), "a key has one answer");
            one
        } else {
            post(if random.random_bool(0.5) { here } else { there }).await
        };
        assert!(reply.status < 500, "{reply:?}");
        if let (Ask::Pay { .. }, 201) = (&ask, reply.status) {
            world.payments.lock().unwrap().push(id(&reply));
        }
        asked.push(Asked { who, ask, began, ended: Instant::now(), reply });
    }
    asked
}

/// Finds a moment between the question and its answer at which the naive ledger says the same. What was answered before
/// the question has happened by then, and what was asked after the answer has not, as far as it touches the same accounts.
fn assert_refusable(one: &Asked, ask: Ask, steps: &[Step], asked: &[Asked]) {
    let last = &steps[steps.len() - 1].after;
    let touched = match ask {
        Ask::Pay { source, destination, .. } => [source, destination],
        Ask::Capture { payment, .. } | Ask::Void { payment } | Ask::Refund { payment, .. } => {
            [last.payments[payment].source, last.payments[payment].destination]
        }
        Ask::Freeze { account } | Ask::Unfreeze { account } | Ask::Close { account } => [account; 2],
        Ask::Open { .. } | Ask::Expire { .. } | Ask::Update { .. } => unreachable!("nobody wishes that"),
    };
    let touches = |step: &Step| step.event.sides.iter().any(|side| touched.contains(&side.account));
    let began_after = |step: &Step| step.cause.is_some_and(|cause| asked[cause].began > one.ended);
    let ended_before = |step: &Step| step.cause.is_none_or(|cause| asked[cause].ended < one.began);
    let first = steps.iter().rposition(|step| touches(step) && ended_before(step)).unwrap_or(0);
    let end = steps.iter().position(|step| touches(step) && began_after(step)).unwrap_or(steps.len());
    let code = one.reply.json()["code"].as_str().unwrap().to_owned();
    let says_so = steps[first..end].iter().any(|step| {
        let said = step.after.clone().ask(one.who, step.event.at, &ask);
        match said {
            Said::Refused(reason) => reason == code,
            Said::NotFound => one.reply.status == 404,
            Said::Forbidden => one.reply.status == 403,
            Said::Done(_) | Said::Again | Said::KeyReused => false,
        }
    });
    assert!(says_so, "{:?} was told {}", one.ask, one.reply.body);
}

async fn assert_left(stage: &Stage, world: &World, books: &Books) {
    for ((id, _), account) in world.accounts.iter().zip(&books.accounts) {
        let [posted, out, coming] = account.has.map(|units| units.to_string());
        let reply = stage.office().get(&format!("{ACCOUNTS}/{id}")).await.json();
        let available = account.available().map(|units| units.to_string());
        let balances = json!({"posted": posted, "pending_out": out, "pending_in": coming, "available": available});
        assert_eq!((&reply["balances"], &reply["version"]), (&balances, &json!(account.sequence as i64)));
    }
}

fn id<Id: serde::de::DeserializeOwned>(reply: &Reply) -> Id {
    assert_eq!(reply.status, 201, "{reply:?}");
    serde_json::from_value(reply.json()["id"].clone()).unwrap()
}
