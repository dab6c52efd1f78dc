//! Each role has enough, which every test here shows by using it, and no more, which these show.

use std::sync::{Arc, Mutex};

use async_nats::{Client, ConnectOptions, Event, jetstream};
use messaging::{
    Role,
    permissions::{Permissions, permissions},
};

use super::fixture::{PASSWORD, Server};

/// What nobody of ours may: to take back, or to listen to others.
const NEVER_PUBLISHED: [&str; 8] = [
    "$JS.API.STREAM.DELETE.TRANSACTIONS",
    "$JS.API.STREAM.PURGE.TRANSACTIONS",
    "$JS.API.STREAM.MSG.DELETE.TRANSACTIONS",
    "$JS.API.STREAM.DELETE.DEAD_LETTERS",
    "$JS.API.CONSUMER.DELETE.TRANSACTIONS.notification-svc",
    "$JS.API.STREAM.CREATE.OTHER",
    "$SYS.REQ.SERVER.PING",
    "elsewhere",
];
const NEVER_HEARD: [&str; 4] = [">", "_INBOX.>", "transactions.>", "$JS.>"];

struct Listening {
    client: Client,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl Listening {
    async fn connect(server: &Server, role: Role) -> Self {
        let refusals = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&refusals);
        let client = ConnectOptions::with_user_and_password(role.as_str().to_owned(), PASSWORD.to_owned())
            .event_callback(move |event| {
                let heard = Arc::clone(&heard);
                async move {
                    if let Event::ServerError(error) = event {
                        heard.lock().unwrap().push(error.to_string());
                    }
                }
            })
            .connect(server.address())
            .await
            .unwrap();
        Self { client, refusals }
    }

    /// Whether the server refused all of these, each said or heard under a subject of its own.
    async fn refused(&self, subjects: &[String]) -> Vec<String> {
        self.client.flush().await.unwrap();
        integration::eventually::within(std::time::Duration::from_secs(30), "refusals", async || {
            let refusals = self.refusals.lock().unwrap().len();
            anyhow::ensure!(refusals >= subjects.len(), "{refusals} refusals of {}", subjects.len());
            Ok(())
        })
        .await
        .unwrap_or_default();
        let refusals = self.refusals.lock().unwrap().join("\n").to_lowercase();
        subjects
            .iter()
            .filter(|subject| !refusals.contains(&format!("\"{}\"", subject.to_lowercase())))
            .cloned()
            .collect()
    }
}

/// A subject that a wildcard covers.
fn example(wildcard: &str) -> String {
    wildcard.replace('*', "x").replace('>', "x.1.2.3.4.5.6")
}

fn covered(subject: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|wildcard| example(wildcard) == subject)
}

#[expect(clippy::disallowed_methods, reason = "what is refused needs no acknowledgement")]
async fn say(client: &Client, subject: &str) {
    client.publish(subject.to_owned(), "".into()).await.unwrap();
}

#[tokio::test]
async fn no_role_may_say_what_only_another_needs() {
    let server = Server::start().await;
    for role in Role::ALL {
        let own = permissions(role).publish;
        let others =
            Role::ALL.into_iter().flat_map(|other| permissions(other).publish).map(|wildcard| example(&wildcard));
        let never = NEVER_PUBLISHED.into_iter().map(ToOwned::to_owned);
        let mut forbidden: Vec<_> = others.filter(|subject| !covered(subject, &own)).chain(never).collect();
        forbidden.sort();
        forbidden.dedup();

        let listening = Listening::connect(&server, role).await;
        for subject in &forbidden {
            say(&listening.client, subject).await;
        }
        assert_eq!(listening.refused(&forbidden).await, Vec::<String>::new(), "{role} may say these");
    }
}

#[tokio::test]
async fn no_role_hears_the_answers_to_another() {
    let server = Server::start().await;
    for role in Role::ALL {
        let others = Role::ALL.into_iter().filter(|other| *other != role);
        let inboxes = others.flat_map(|other| permissions(other).subscribe);
        let forbidden: Vec<_> = inboxes.chain(NEVER_HEARD.into_iter().map(ToOwned::to_owned)).collect();

        let listening = Listening::connect(&server, role).await;
        let mut subscriptions = Vec::new();
        for subject in &forbidden {
            subscriptions.push(listening.client.subscribe(subject.clone()).await.unwrap());
        }
        assert_eq!(listening.refused(&forbidden).await, Vec::<String>::new(), "{role} may hear these");
    }
}

#[tokio::test]
async fn an_operator_reads_messages_and_hands_them_to_a_consumer_again() {
    let server = Server::start().await;
    server.publish(&super::fixture::events(1)).await;
    let operator = server.client(Role::Operator).await;
    let stream = jetstream::new(operator.clone()).get_stream("TRANSACTIONS").await.unwrap();
    let stored = stream.get_raw_message(1).await.unwrap();
    operator.request("redrive.notification-svc", stored.payload).await.unwrap();
    assert_eq!(server.stored("REDRIVE").await.len(), 1);
}

#[test]
fn permissions_name_no_stream_api_by_wildcard() {
    for role in Role::ALL {
        let Permissions { publish, subscribe } = permissions(role);
        assert!(
            publish.iter().all(|subject| !subject.starts_with("$JS.API") || !subject.contains(['*', '>'])),
            "{publish:?}"
        );
        assert_eq!(subscribe, [format!("_INBOX_{role}.>")]);
    }
}
