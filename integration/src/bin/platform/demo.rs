//! A payment for show: the back office funds alice, alice pays bob, and both are told.

use std::time::Duration;

use anyhow::Context;
use client::NewAccount;
use contract::notification::Notification;
use contract::transaction::Transaction;
use contract::{AccountId, Currency};
use integration::eventually::within;
use integration::people::{Person, cents};
use integration::stack::platform::Platform;

use crate::terminal::Terminal;

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
    let payment = alice.pay(accounts.alice, accounts.bob, cents(PRICE)).await.context("alice cannot pay")?;
    terminal.say(&format!("  alice pays bob {}                {}", money(&payment), payment.id));

    for person in [alice, bob] {
        let notification = told(&person, &payment).await?;
        let latency = (notification.created_at - payment.created_at).as_seconds_f64() * 1_000.0;
        terminal.say(&format!(
            "  {} is told {latency:.1} ms later: {}. {}",
            person.name, notification.title, notification.body
        ));
    }
    Ok(accounts)
}

async fn open(owner: &Person, account: NewAccount) -> anyhow::Result<AccountId> {
    let key = format!("demonstration-account-of-{}", account.owner);
    let opened = owner.ledger.open_account(&key, &account).await;
    Ok(opened.with_context(|| format!("{} cannot open an account", owner.name))?.id)
}

async fn told(person: &Person, payment: &Transaction) -> anyhow::Result<Notification> {
    within(PATIENCE, "a notification of the payment", async || {
        let page = person.inbox.list("me", None).await?;
        let about = page.data.into_iter().find(|notification| notification.transaction_id == Some(payment.id));
        about.context("not among the newest notifications")
    })
    .await
}

fn money(transaction: &Transaction) -> String {
    transaction.currency.display(transaction.amount.into())
}
