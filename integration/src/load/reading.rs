//! What is read most: a user's notifications and counts, a transaction, a page of an account's transactions.

use std::sync::Arc;

use client::NewAccount;
use contract::Currency;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{clients::Seen, readers, scenario::Bench};
use crate::people::{cents, fresh_key};

const HOLDERS: usize = 64;
/// More than a page.
const PAYMENTS: usize = 60;
const PAID_AT_ONCE: usize = 32;

/// Who has enough to read.
#[derive(Debug)]
pub struct Shelf {
    lists: Arc<[String]>,
    counts: Arc<[String]>,
    transactions: Arc<[String]>,
    pages: Arc<[String]>,
}

impl Bench {
    /// Opens accounts and pays each holder more than a page of notifications.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn stock(&self) -> anyhow::Result<Shelf> {
        let bank = self.platform.bank().await?;
        let holders = (0..HOLDERS).map(|number| format!("reader-{number}")).collect::<Vec<_>>();
        let paid = stream::iter(&holders)
            .map(|holder| {
                let bank = &bank;
                async move {
                    let account = NewAccount::new(holder, Currency::EUR);
                    let account = bank.office.ledger.open_account(&fresh_key(), &account).await?.id;
                    let mut last = bank.fund(account, cents(1)).await?;
                    for _ in 1..PAYMENTS {
                        last = bank.fund(account, cents(1)).await?;
                    }
                    Ok::<_, client::Error>((account, last.id))
                }
            })
            .buffer_unordered(PAID_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        self.settle().await?;
        let of_holders =
            |rest: &str| holders.iter().map(|holder| format!("/v1/users/{holder}/notifications{rest}")).collect();
        Ok(Shelf {
            lists: of_holders("?limit=50"),
            counts: of_holders("/counts"),
            transactions: paid.iter().map(|(_, transaction)| format!("/v1/transactions/{transaction}")).collect(),
            pages: paid.iter().map(|(account, _)| format!("/v1/transactions?account={account}&limit=50")).collect(),
        })
    }

    /// What so many clients read, as a row of the report names it, and how it went.
    ///
    /// # Errors
    /// When a client gets anything but 200.
    pub async fn read(&self, shelf: &Shelf, clients: usize) -> anyhow::Result<[(&'static str, Seen); 4]> {
        let (ledger, inbox) = (self.ledger()?, self.inbox()?);
        let token = self.platform.service_token()?;
        let read = async |service, paths: &Arc<[String]>| {
            readers::run(service, &token, paths.clone(), clients, self.duration).await
        };
        Ok([
            ("notifications, page of 50", read(inbox, &shelf.lists).await?),
            ("notification counts", read(inbox, &shelf.counts).await?),
            ("one transaction", read(ledger, &shelf.transactions).await?),
            ("transactions of an account, page of 50", read(ledger, &shelf.pages).await?),
        ])
    }
}
