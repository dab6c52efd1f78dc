//! Pays, and waits until the receiver is told: `eval "$(target/debug/platform env)"`, then `cargo run -p client --example pay`.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "an example prints; `platform env` configures it")]

use client::{NewAccount, NewTransaction, Notifications, Transactions, Transport, retry};
use contract::{Amount, Currency};
use futures_util::StreamExt;

const EUR: Currency = Currency::EUR;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = reqwest::Client::new();
    let reach = |address: &str, token: &str| -> Result<Transport, Box<dyn std::error::Error>> {
        Ok(Transport::new(http.clone(), std::env::var(address)?.parse()?, std::env::var(token)?))
    };
    let (bank, alice, bob) = (reach("TX", "SERVICE")?, reach("TX", "ALICE")?, reach("TX", "BOB")?);
    let [bank, alice, bob] = [bank, alice, bob].map(Transactions);
    let inbox = Notifications(reach("NT", "BOB")?);

    // One key for each change that is wanted: run again, this changes nothing, and every answer is the first one.
    let till = bank.open_account("pay-bank", &NewAccount::settlement("service", EUR)).await?;
    let checking = alice.open_account("pay-alice", &NewAccount::new("alice", EUR)).await?;
    let savings = bob.open_account("pay-bob", &NewAccount::new("bob", EUR)).await?;
    let salary = NewTransaction::new(till.id, checking.id, Amount::new(10_000)?, EUR);
    bank.create("pay-salary", &salary).await?;

    // Whatever happens on the way: the same request with the same key, until there is an answer that stands.
    let rent = NewTransaction::new(checking.id, savings.id, Amount::new(1_250)?, EUR);
    let paid = retry(|| alice.create("pay-rent", &rent)).await?;
    println!("{} is {:?}", paid.id, paid.status);

    let yacht = NewTransaction { amount: Amount::new(99_999_999)?, ..rent };
    if let Err(refusal) = alice.create("pay-yacht", &yacht).await {
        println!("{refusal}");
    }

    let mut told = inbox.stream("me", Some(0)).await?;
    while let Some(notification) = told.next().await.transpose()? {
        if notification.transaction_id == Some(paid.id) {
            println!("bob is told: {}. {}", notification.title, notification.body);
            break;
        }
    }
    Ok(())
}
