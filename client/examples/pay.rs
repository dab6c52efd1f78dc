//! Pays, and waits until the receiver is told: `eval "$(target/debug/platform env)"`, then `cargo run -p client --example pay`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints, and is configured by `platform env`"
)]

use client::{Error, NewAccount, NewTransaction, Notifications, Transactions, Transport, retry};
use contract::{Amount, Currency};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = reqwest::Client::new();
    let reach = |address: &str, token: &str| -> Result<Transport, Box<dyn std::error::Error>> {
        Ok(Transport::new(http.clone(), std::env::var(address)?.parse()?, std::env::var(token)?))
    };
    let alice = Transactions(reach("TX", "ALICE")?);
    let bank = Transactions(reach("TX", "SERVICE")?);
    let bob = (Transactions(reach("TX", "BOB")?), Notifications(reach("NT", "BOB")?));

    // One key for each change that is wanted. Repeated with its key, a request changes nothing twice, and gets its first answer.
    let key = |what: &str| format!("pay-example-{what}");
    let euros = |minor_units| Amount::new(minor_units);
    let checking = alice.open_account(&key("alice"), &NewAccount::new("alice", Currency::EUR)).await?;
    let savings = bob.0.open_account(&key("bob"), &NewAccount::new("bob", Currency::EUR)).await?;
    let source = bank.open_account(&key("bank"), &NewAccount::settlement("service", Currency::EUR)).await?;
    let funding = NewTransaction::new(source.id, checking.id, euros(10_000)?, Currency::EUR);
    bank.create(&key("fund"), &funding).await?;

    // Whatever happens on the way, the same key until there is an answer.
    let rent = NewTransaction::new(checking.id, savings.id, euros(1_250)?, Currency::EUR);
    let rent_key = key("rent");
    let paid = retry(|| alice.create(&rent_key, &rent)).await?;
    println!("{} is {:?}", paid.id, paid.status);

    match alice.create(&key("yacht"), &NewTransaction { amount: euros(99_999_999)?, ..rent }).await {
        Err(Error::Problem(problem)) => println!("{}: {}", problem.code, problem.detail),
        other => println!("{other:?}"),
    }
    println!("{:?}", bob.1.counts("me").await?);
    Ok(())
}
