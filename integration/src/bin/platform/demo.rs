//! A payment for show: the back office funds alice, alice pays bob, and the payment's event comes over both ways, while
//! both are told once.

use std::time::Duration;

use anyhow::{Context, ensure};
use client::NewAccount;
use contract::notification::Notification;
use contract::transaction::Transaction;
use contract::{AccountId, Currency};
use integration::eventually::within;
use integration::people::{Person, cents};
use integration::stack::platform::Platform;
use time::OffsetDateTime;

use crate::terminal::Terminal;
use crate::ways::{Brought, Ways};

const FUNDS: i64 = 10_000;
const PRICE: i64 = 1_250;
const PATIENCE: Duration = Duration::from_secs(30);

/// The accounts of the demonstration.
pub(crate) struct Accounts {
    pub(crate) alice: AccountId,
    pub(crate) bob: AccountId,
}

/// Opens the accounts, or finds those of an earlier run: the same idempotency keys get the same answers.
pub(crate) async fn play(platform: &Platform, terminal: &Terminal) -> anyhow::Result<Accounts> {
    let office = platform.caller(0, "service", &platform.service_token()?)?;
    let [alice, bob] = [platform.person("alice")?, platform.person("bob")?];
    let settlement = open(&office, NewAccount::settlement("service", Currency::EUR)).await?;
    let accounts = Accounts {
        alice: open(&alice, NewAccount::new("alice", Currency::EUR)).await?,
        bob: open(&bob, NewAccount::new("bob", Currency::EUR)).await?,
    };

    let funding = office.pay(settlement, accounts.alice, cents(FUNDS)).await.context("alice cannot be funded")?;
    terminal.say(&format!("  The back office pays alice {}   {}", money(&funding), funding.id));
    told_once(&alice, &funding).await?;

    let ways = Ways::watch(platform, office).await?;
    let sent_at = now();
    let payment = alice.pay(accounts.alice, accounts.bob, cents(PRICE)).await.context("alice cannot pay")?;
    let accepted_at = now();
    terminal.say(&format!("  alice pays bob {}                {}", money(&payment), payment.id));

    let event = told_once(&alice, &payment).await?.event_id;
    let brought = within(PATIENCE, "the payment over both ways", async || ways.brought(&payment, event).await).await?;
    for line in story(&brought, sent_at, accepted_at) {
        terminal.say(&line);
    }
    for person in [alice, bob] {
        let notification = told_once(&person, &payment).await?;
        terminal.say(&format!("    {} is told once: {}. {}", person.name, notification.title, notification.body));
    }
    Ok(accounts)
}

async fn open(owner: &Person, account: NewAccount) -> anyhow::Result<AccountId> {
    let key = format!("demonstration-account-of-{}", account.owner);
    let opened = owner.ledger.open_account(&key, &account).await;
    Ok(opened.with_context(|| format!("{} cannot open an account", owner.name))?.id)
}

/// The only notification of a transaction.
async fn told_once(person: &Person, transaction: &Transaction) -> anyhow::Result<Notification> {
    let told = within(PATIENCE, "a notification of the payment", async || {
        let mut about = person.inbox.list("me", None).await?.data;
        about.retain(|notification| notification.transaction_id == Some(transaction.id));
        ensure!(!about.is_empty(), "not among the newest notifications");
        Ok(about)
    });
    let [notification] = <[_; 1]>::try_from(told.await?)
        .map_err(|several| anyhow::anyhow!("{} was told {} times", person.name, several.len()))?;
    Ok(notification)
}

/// How long everything took from the moment on in which the request was sent; the way that came first, first.
fn story(brought: &Brought, sent_at: OffsetDateTime, accepted_at: OffsetDateTime) -> [String; 3] {
    let line = |what: &str, at: OffsetDateTime, remark: &str| {
        let latency = (at - sent_at).as_seconds_f64() * 1_000.0;
        format!("    {what:<34} {latency:>7.1} ms{remark}")
    };
    let mut ways = [
        ("notified over JetStream after", brought.over_jetstream),
        ("delivered by signed webhook after", brought.by_webhook),
    ];
    if brought.webhook_was_first {
        ways.reverse();
    }
    let [(first, first_at), (second, second_at)] = ways;
    [
        line("accepted in", accepted_at, ""),
        line(first, first_at, "   first: both are told"),
        line(second, second_at, "   second: known, and nobody is told again"),
    ]
}

fn money(transaction: &Transaction) -> String {
    transaction.currency.display(transaction.amount.into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demonstration measures from outside of the services and their clock"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
