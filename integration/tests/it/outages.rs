//! Servers that are away, queues that are full, services that are asked to stop: clients are told, and nothing is lost.

use std::time::Duration;

use anyhow::ensure;
use client::NewTransaction;
use contract::Currency;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use integration::{
    eventually::eventually,
    history::{check::InboxOrder, record::Load, told::Outcome},
    people::{cents, fresh_key},
    stack::{
        backing::Backing,
        platform::{Layout, Platform},
        service::ServiceKind,
    },
};
use sqlx::raw_sql;
use tokio::join;

use crate::{
    locks::{be_patient, waiting},
    trial::Trial,
    wire::{Reply, Wire},
};

/// What everybody is told who may try again soon.
fn assert_asks_to_try_again(reply: &Reply, code: &str) {
    assert_eq!((reply.status, reply.json()["code"].as_str()), (503, Some(code)), "{}", reply.body);
    assert_eq!((reply.header("Retry-After"), reply.json()["retryable"].as_bool()), (Some("1"), Some(true)));
}

#[tokio::test]
async fn payments_are_accepted_while_nats_is_off_and_told_in_order_afterwards() {
    let trial = Trial::over_jetstream_alone().await;
    trial.evidence.at_rest().await.unwrap();
    trial.nats().stop().await.unwrap();
    let history = trial.under_load(async { trial.clients.told(200).await.unwrap() }).await;
    assert!(
        history.outcomes().all(|outcome| matches!(outcome, Outcome::Told(_))),
        "a client noticed that NATS was away"
    );
    trial.nats().start().await.unwrap();
    trial.assert_promise_kept(&history, InboxOrder::OfTheStream).await;
}

#[tokio::test]
async fn without_a_database_everybody_is_asked_to_try_again_and_nothing_needs_a_restart() {
    let platform = Platform::start_on(Backing::private().await.unwrap(), &Layout::default()).await.unwrap();
    let bank = platform.bank().await.unwrap();
    let ada = platform.person("ada").unwrap();
    let account = bank.open_funded(&ada, cents(100)).await.unwrap().id;
    let postgres = platform.backing.postgres.process.as_ref().unwrap();
    let ledger = Wire::to(&platform.transaction_svc[0]).bearing(platform.user_token("ada").unwrap());
    let inbox = Wire::to(&platform.notification_svc[0]).bearing(platform.user_token("ada").unwrap());
    let payment = NewTransaction::new(account, bank.settlement, cents(1), Currency::EUR);
    let (key, body) = (fresh_key(), serde_json::to_string(&payment).unwrap());

    postgres.stop().await.unwrap();
    assert_asks_to_try_again(&ledger.post("/v1/transactions", &key, body).await, "unavailable");
    assert_asks_to_try_again(&ledger.get(&format!("/v1/accounts/{account}")).await, "unavailable");
    assert_asks_to_try_again(&inbox.get("/v1/users/me/notifications").await, "unavailable");
    postgres.start().await.unwrap();

    eventually("the same request is carried out", async || Ok(ada.ledger.create(&key, &payment).await?)).await;
    eventually("its notification arrives", async || {
        let notifications = ada.inbox.list("me", None).await?.data;
        ensure!(notifications.len() == 3, "{} notifications", notifications.len());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn sixty_four_clients_of_one_account_are_all_answered_through_two_connections() {
    let few = |service| (service, "POSTGRES__MAX_CONNECTIONS", "2".to_owned());
    let settings = vec![few(ServiceKind::Transaction), few(ServiceKind::Notification)];
    let layout = Layout { settings, ..Layout::default() };
    let trial = Trial::of(Backing::cloned().await.unwrap(), &layout, Load::default()).await;
    let bank = trial.platform.bank().await.unwrap();
    let ada = trial.platform.person("ada").unwrap();
    let hot = bank.open_funded(&ada, cents(1_000)).await.unwrap().id;
    let other = ada.open_account().await.unwrap().id;

    let clients = (0..64).map(|_| async {
        for _ in 0..5 {
            ada.pay(hot, other, cents(1)).await.unwrap();
        }
    });
    join_all(clients).await;

    assert_eq!(ada.ledger.account(hot).await.unwrap().balances.posted.get(), 1_000 - 64 * 5);
    trial.assert_books_in_order().await;
}

#[tokio::test]
async fn services_that_are_asked_to_stop_with_a_full_backlog_end_in_time_and_lose_nothing() {
    let load = Load { clients: 64, pause: Duration::ZERO, ..Load::default() };
    let trial = Trial::of(Backing::cloned().await.unwrap(), &Layout::default(), load).await;
    let history = trial
        .under_load(async {
            trial.nats().stop().await.unwrap();
            trial.clients.told(500).await.unwrap();
            for service in [trial.ledger(), trial.inbox()] {
                service.stop().await.unwrap();
                assert_eq!(service.ended().await, "exit status: 0", "{}", service.last_words());
                service.start().await.unwrap();
            }
            trial.nats().start().await.unwrap();
        })
        .await;
    trial.assert_promise_kept(&history, InboxOrder::Any).await;
}

#[tokio::test]
async fn an_outbox_that_is_full_turns_payments_away_until_it_has_room() {
    // Neither way is gone, as long as nobody publishes and nobody delivers.
    let layout = Layout { roles: vec!["api"], ..Layout::default() };
    let platform = Platform::start_on(Backing::cloned().await.unwrap(), &layout).await.unwrap();
    let pool = platform.pool().await.unwrap();
    let bank = platform.bank().await.unwrap();
    let account = platform.person("ada").unwrap().open_account().await.unwrap().id;
    let office = Wire::to(&platform.transaction_svc[0]).bearing(platform.service_token().unwrap());
    let payment = NewTransaction::new(bank.settlement, account, cents(1), Currency::EUR);
    let pay = async || office.post("/v1/transactions", &fresh_key(), serde_json::to_string(&payment).unwrap()).await;

    // Pointers to nothing, two million positions apart.
    let far_apart = [
        "INSERT INTO transactions.outbox_relay (position, event_id) OVERRIDING SYSTEM VALUE
         SELECT position, gen_random_uuid() FROM (VALUES (1000000000), (1002000000)) AS far (position)",
        "INSERT INTO transactions.outbox_dispatch (position, event_id, kind) OVERRIDING SYSTEM VALUE
         SELECT position, gen_random_uuid(), 'x' FROM (VALUES (1000000000), (1002000000)) AS far (position)",
    ];
    for pointers in far_apart {
        raw_sql(pointers).execute(&pool).await.unwrap();
        let refused = eventually("payments are turned away", async || {
            let reply = pay().await;
            ensure!(reply.status == 503, "{}", reply.body);
            Ok(reply)
        })
        .await;
        assert_asks_to_try_again(&refused, "overloaded");

        let gone = "DELETE FROM transactions.outbox_relay WHERE position >= 1000000000;
                    DELETE FROM transactions.outbox_dispatch WHERE position >= 1000000000";
        raw_sql(gone).execute(&pool).await.unwrap();
        eventually("payments are accepted again", async || {
            let reply = pay().await;
            ensure!(reply.status == 201, "{}", reply.body);
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_queue_that_is_full_turns_payments_away_at_once_and_loses_none_of_those_that_wait() {
    const QUEUE: usize = 64;
    let backing = Backing::cloned().await.unwrap();
    be_patient(&backing).await;
    let settings = vec![(ServiceKind::Transaction, "MAX_WAITING_COMMANDS", QUEUE.to_string())];
    let platform = Platform::start_on(backing, &Layout { settings, ..Layout::default() }).await.unwrap();
    let bank = platform.bank().await.unwrap();
    let account = platform.person("ada").unwrap().open_account().await.unwrap().id;
    let payment = NewTransaction::new(bank.settlement, account, cents(1), Currency::EUR);
    let body = serde_json::to_string(&payment).unwrap();
    let office = Wire::to(&platform.transaction_svc[0]).bearing(platform.service_token().unwrap());
    let pay = async || office.post("/v1/transactions", &fresh_key(), body.clone()).await;

    let database = platform.pool().await.unwrap();
    let mut lock = database.begin().await.unwrap();
    raw_sql("SELECT FROM transactions.accounts FOR UPDATE").execute(&mut *lock).await.unwrap();
    let crowd = async {
        waiting(&database, 1).await;
        // All that the queue holds, and one more: whoever is told while the lock is held is that one.
        let mut crowd: FuturesUnordered<_> = (0..=QUEUE).map(|_| pay()).collect();
        let refused = crowd.next().await.unwrap();
        lock.rollback().await.unwrap();
        (refused, crowd.collect::<Vec<_>>().await)
    };
    let (in_hand, (refused, waited)) = join!(pay(), crowd);

    assert_asks_to_try_again(&refused, "overloaded");
    assert_eq!(in_hand.status, 201, "{in_hand:?}");
    assert_eq!(waited.iter().filter(|reply| reply.status == 201).count(), QUEUE, "{waited:?}");
}
