//! The typed client reads what the services answer, also where no other story asks through it.

use client::{
    DeadLetterSelection, Error, NewReplay, NewTransaction, NewWebhookEndpoint, Operations, ProblemCode, ReplayStatus,
    Transport, WebhookEndpointChanges, retry,
};
use contract::{Currency, DeliveryId};
use integration::{
    eventually::eventually,
    people::{cents, fresh_key},
};
use time::OffsetDateTime;

use crate::{operations::fixture::plant_dead_letter, stage::Stage};

fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> ProblemCode {
    ProblemCode::of(answer.unwrap_err().code().unwrap_or_default())
}

#[tokio::test]
async fn the_ledger_to_its_users_and_their_back_office() {
    let stage = Stage::with(1).await;
    let (office, alice) = (&stage.bank.office.ledger, stage.platform.person("alice").unwrap().ledger);

    let payment = |amount| NewTransaction::new(stage.alice, stage.bob, cents(amount), Currency::EUR);
    let each = [payment(1), payment(1_000_000)].map(|payment| (fresh_key(), payment));
    let [paid, refused] = alice.create_each(&each).await.unwrap().try_into().unwrap();
    assert_eq!(paid.unwrap().amount, cents(1));
    assert_eq!(code(refused), ProblemCode::InsufficientFunds);

    let books = eventually("the books are verified", async || Ok(office_of(&stage).verification().await?)).await;
    assert!(books.violations == 0 && !books.checks.is_empty(), "{books:?}");

    let shop = NewWebhookEndpoint { enabled: false, ..NewWebhookEndpoint::new("https://example.com/hook") };
    let made = office.create_webhook_endpoint(&shop).await.unwrap();
    let listed = office.webhook_endpoints(None).await.unwrap().data;
    assert!(listed.contains(&office.webhook_endpoint(made.id).await.unwrap()), "{listed:?}");
    let described = WebhookEndpointChanges { description: Some(Some("Books".to_owned())), ..Default::default() };
    let changed = office.change_webhook_endpoint(made.id, &described).await.unwrap();
    assert_eq!((changed.description.as_deref(), changed.secret), (Some("Books"), None));
    let rotated = office.rotate_webhook_secret(made.id).await.unwrap();
    assert!(rotated.secret.is_some() && rotated.secret != made.secret);
    assert_eq!(office.deliveries(made.id, None).await.unwrap().data, []);
    assert_eq!(office.recover_deliveries(made.id, OffsetDateTime::UNIX_EPOCH).await.unwrap(), 0);
    let nothing = DeliveryId::new(OffsetDateTime::UNIX_EPOCH, 1);
    assert_eq!(code(office.resend(made.id, nothing).await), ProblemCode::NotFound);
    office.delete_webhook_endpoint(made.id).await.unwrap();
    assert_eq!(code(office.webhook_endpoint(made.id).await), ProblemCode::NotFound);

    let begun = retry(|| alice.begin_session(false)).await.unwrap();
    let id = begun.session.id;
    assert_eq!(alice.sessions().await.unwrap(), [begun.session]);
    alice.end_session(id).await.unwrap();
    alice.end_sessions().await.unwrap();
    assert_eq!(alice.sessions().await.unwrap(), []);
}

fn office_of(stage: &Stage) -> client::Transactions {
    stage.platform.caller(0, "operator", &stage.platform.operator_token().unwrap()).unwrap().ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queues_to_their_operators() {
    let stage = Stage::with(1).await;
    let (url, token) = (stage.platform.notification_svc[0].url.clone(), stage.platform.operator_token().unwrap());
    let operator = Operations(Transport::new(reqwest::Client::new(), url, token));

    let asked = NewReplay { user: Some("nobody".to_owned()), reason: "story".to_owned(), ..NewReplay::default() };
    let id = operator.plan_replay(&asked).await.unwrap().id;
    let plan =
        eventually("the replay is planned", async || operator.replay(id).await?.plan.ok_or(anyhow::anyhow!("not yet")))
            .await;
    assert_eq!(code(operator.execute_replay(id, plan.events + 1).await), ProblemCode::InvalidState);
    assert_eq!(operator.cancel_replay(id).await.unwrap().status, ReplayStatus::Cancelled);
    assert_eq!(operator.replays(None).await.unwrap().data[0].id, id);

    let [first, second] =
        [plant_dead_letter(&stage.platform, "no event").await, plant_dead_letter(&stage.platform, "nor this").await];
    assert_eq!(operator.dead_letter(first).await.unwrap().reason, "malformed");
    assert_eq!(operator.dead_letters(None).await.unwrap().data.len(), 2);
    assert_eq!(operator.dead_letter_counts().await.unwrap().data[0].count, 2);
    assert_eq!(operator.discard(first, "story").await.unwrap().done, 1);
    let malformed =
        DeadLetterSelection { consumer: None, only: Some("malformed".to_owned()), reason: "story".to_owned() };
    assert_eq!(operator.discard_all(&malformed).await.unwrap().done, 1);
    assert_eq!(operator.redrive_all(&malformed).await.unwrap().planned, 0);
    assert_eq!(code(operator.redrive(second, "story").await), ProblemCode::NotFound);
    assert!(operator.audit(None).await.unwrap().data.iter().all(|entry| entry.reason == "story"));
}
