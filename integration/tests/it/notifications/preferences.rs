//! What users choose to be told, and in which language.

use std::collections::BTreeSet;

use contract::{
    EventKind,
    notification::{Locale, NotificationCounts, NotificationStatus},
};
use integration::stack::platform::Platform;
use notification_svc::{domain::way::Way, store::inbox::Filter};
use reqwest::Method;
use serde_json::{Value, json};

use super::fixture::{Store, now, payment};
use crate::wire::{Reply, Wire, send};

const PREFERENCES: &str = "/v1/users/me/preferences";

#[tokio::test]
async fn a_muted_event_is_kept_and_seen_nowhere_even_when_it_is_no_longer_muted() {
    let store = Store::empty().await;
    let told = async || store.ingest(Way::JetStream, &[payment("alice", "bob")]).await;
    told().await;
    store.choose("alice", Locale::En, &[EventKind::TransactionPosted]).await;
    told().await;
    let hidden = store.told().await["alice"][1].1;
    store.choose("alice", Locale::En, &[EventKind::AccountOpened]).await;
    told().await;

    let listed = store.inbox.list("alice", Filter::default(), None, 10).await.unwrap();
    let positions: Vec<_> = listed.notifications.iter().map(|shown| shown.position).collect();
    assert_eq!(positions, [3, 1]);
    assert_eq!(store.told().await["bob"].len(), 3, "whom it does not concern");
    let counts = NotificationCounts { unread: 2, read: 0, archived: 0 };
    assert_eq!(store.inbox.counts("alice").await.unwrap(), counts);
    let hidden = store.id("alice", hidden).await;
    for status in [NotificationStatus::Read, NotificationStatus::Archived] {
        assert_eq!(store.inbox.change("alice", hidden, status, now()).await.unwrap(), None);
    }
    let counts = NotificationCounts { unread: 0, read: 2, archived: 0 };
    assert_eq!(store.inbox.read_all("alice", now()).await.unwrap(), counts);
    store.is_consistent().await;
}

#[tokio::test]
async fn each_party_reads_its_own_language_and_what_was_told_stays() {
    let store = Store::empty().await;
    let newest = async |user| store.inbox.list(user, Filter::default(), None, 1).await.unwrap().notifications.remove(0);
    store.choose("bob", Locale::De, &[]).await;
    store.ingest(Way::Webhook, &[payment("alice", "bob")]).await;
    store.choose("bob", Locale::En, &[]).await;
    let (alices, bobs) = (newest("alice").await, newest("bob").await);
    assert_eq!((&*alices.title, &*alices.body), ("You paid EUR 12.50", "“Rent”. Your new balance is EUR 50.00."));
    assert_eq!(
        (&*bobs.title, &*bobs.body),
        ("Sie haben 12,50 EUR erhalten", "„Rent“. Ihr neuer Kontostand ist 50,00 EUR.")
    );
    store.ingest(Way::Webhook, &[payment("alice", "bob")]).await;
    assert_eq!(newest("bob").await.title, "You received EUR 12.50");
}

#[tokio::test]
async fn what_another_build_has_chosen_holds_up_nobody() {
    let store = Store::empty().await;
    store.choose("alice", Locale::De, &[EventKind::TransactionPosted]).await;
    sqlx::query("UPDATE preferences SET locale = 'fr', muted_types = '{transaction.teleported}'")
        .execute(&store.pool)
        .await
        .unwrap();
    store.ingest(Way::JetStream, &[payment("alice", "bob")]).await;
    assert_eq!(store.inbox.counts("alice").await.unwrap().unread, 1);
    let chosen = store.preferences.find("alice").await.unwrap();
    assert_eq!((chosen.locale, chosen.muted_types), (Locale::En, BTreeSet::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_replaced_as_a_whole_and_strange_ones_refused() {
    let platform = Platform::start().await.unwrap();
    let service = Wire::to(&platform.notification_svc[0]);
    let alice = service.bearing(platform.user_token("alice").unwrap());
    let put = async |body: Value| -> Reply { send(alice.request(Method::PUT, PREFERENCES).json(&body)).await };
    let defaults = json!({"locale": "en", "muted_types": [], "updated_at": null});
    assert_eq!(alice.get(PREFERENCES).await.json(), defaults);
    let posted = "transaction.posted";
    for (body, pointers) in [
        (json!({}), &["/locale", "/muted_types"][..]),
        (json!({"locale": "fr", "muted_types": [posted, "transaction.teleported"]}), &["/locale", "/muted_types/1"]),
        (json!({"locale": null, "muted_types": posted}), &["/locale", "/muted_types"]),
        (json!({"locale": "de", "muted_types": [], "mutedTypes": []}), &["/mutedTypes"]),
    ] {
        let refused: Vec<_> =
            put(body).await.problem(400, "malformed").errors.into_iter().map(|error| error.pointer).collect();
        assert_eq!(refused, pointers);
    }
    assert_eq!(alice.get(PREFERENCES).await.json(), defaults);

    let person = platform.person("alice").unwrap().inbox;
    let chosen = [EventKind::TransactionPosted, EventKind::AccountOpened, EventKind::TransactionPosted];
    let chosen = person.replace_preferences("me", Locale::De, &chosen).await.unwrap();
    assert_eq!((chosen.locale, chosen.muted_types.len()), (Locale::De, 2));
    assert_eq!(person.preferences("alice").await.unwrap(), chosen);
    let replaced = put(json!({"locale": "de", "muted_types": []})).await;
    let again = alice.get(PREFERENCES).await;
    assert_eq!((again.body, again.headers.get("ETag")), (replaced.body.clone(), replaced.headers.get("ETag")));
    let mallory = service.bearing(platform.user_token("mallory").unwrap());
    mallory.get("/v1/users/alice/preferences").await.problem(404, "not_found");
}
