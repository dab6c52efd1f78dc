//! Who may say and hear what on NATS, derived from the topology. Each role has an inbox prefix of its own: with the
//! shared `_INBOX` anyone could read the answers to others.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{
    range_reader::READERS,
    subject,
    topology::{
        DEAD_LETTERS, DURABLES, Durable, NOTIFICATIONS, NOTIFICATIONS_REDRIVE, STREAMS, TRANSACTIONS,
        dead_letter_subject, redrive_subject,
    },
};

/// As whom a process speaks to NATS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Creates and updates streams and durable consumers.
    Provisioner,
    /// Publishes events.
    TransactionSvc,
    /// Consumes events.
    NotificationSvc,
    /// Reads what the streams hold, hands messages to a consumer again, throws dead letters away, pauses consumers.
    Operator,
}

/// The subjects that a role may use; everything else is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    pub publish: Vec<String>,
    pub subscribe: Vec<String>,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 4] = [Self::Provisioner, Self::TransactionSvc, Self::NotificationSvc, Self::Operator];

    /// The user's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioner => "provisioner",
            Self::TransactionSvc => "transaction_svc",
            Self::NotificationSvc => "notification_svc",
            Self::Operator => "operator",
        }
    }

    /// Below which subject the role receives answers.
    #[must_use]
    pub fn inbox_prefix(self) -> String {
        format!("_INBOX_{self}")
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the role needs, and no more.
#[must_use]
pub fn permissions(role: Role) -> Permissions {
    let publish = match role {
        Role::Provisioner => provisioning(),
        Role::TransactionSvc => {
            [subject::wildcards(), vec![stream_info(TRANSACTIONS), stream_message(TRANSACTIONS)]].concat()
        }
        Role::NotificationSvc => {
            [consuming(NOTIFICATIONS), consuming(NOTIFICATIONS_REDRIVE), vec![stream_info(DEAD_LETTERS)]].concat()
        }
        Role::Operator => operating(),
    };
    Permissions { publish, subscribe: vec![format!("{}.>", role.inbox_prefix())] }
}

fn stream_info(stream: &str) -> String {
    format!("$JS.API.STREAM.INFO.{stream}")
}

fn stream_message(stream: &str) -> String {
    format!("$JS.API.STREAM.MSG.GET.{stream}")
}

fn consumer_info(durable: Durable) -> String {
    format!("$JS.API.CONSUMER.INFO.{}.{}", durable.stream, durable.name)
}

fn provisioning() -> Vec<String> {
    let streams = STREAMS.iter().flat_map(|stream| {
        [format!("$JS.API.STREAM.CREATE.{stream}"), format!("$JS.API.STREAM.UPDATE.{stream}"), stream_info(stream)]
    });
    let durables = DURABLES.iter().flat_map(|durable| {
        // The filter of a durable is part of the subject under which it is created.
        let filter = Some(durable.filter()).filter(|filter| !filter.is_empty());
        let create = [Some(format!("$JS.API.CONSUMER.CREATE.{}.{}", durable.stream, durable.name)), filter];
        [create.into_iter().flatten().collect::<Vec<_>>().join("."), consumer_info(*durable)]
    });
    streams.chain(durables).collect()
}

fn consuming(durable: Durable) -> Vec<String> {
    let Durable { stream, name, consumer, .. } = durable;
    vec![
        consumer_info(durable),
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"),
        format!("$JS.ACK.{stream}.{name}.>"),
        dead_letter_subject(consumer, "*"),
    ]
}

fn operating() -> Vec<String> {
    let reading = STREAMS.iter().flat_map(|stream| [stream_info(stream), stream_message(stream)]);
    let ranges = READERS.iter().flat_map(|reader| {
        ["CREATE", "MSG.NEXT", "DELETE"].map(|what| format!("$JS.API.CONSUMER.{what}.{TRANSACTIONS}.{reader}"))
    });
    let redriving = DURABLES.iter().flat_map(|durable| {
        let Durable { stream, name, consumer, .. } = durable;
        [consumer_info(*durable), format!("$JS.API.CONSUMER.PAUSE.{stream}.{name}"), redrive_subject(consumer)]
    });
    let removing = [format!("$JS.API.STREAM.MSG.DELETE.{DEAD_LETTERS}")];
    let mut all: Vec<_> = reading.chain(ranges).chain(redriving).chain(removing).collect();
    all.sort();
    all.dedup();
    all
}

/// The user who may do everything, such as give a stream more room, or delete it.
pub const ADMINISTRATOR: &str = "administrator";

/// The `authorization` block of a nats-server's configuration for these users, and, with a password, an
/// [`ADMINISTRATOR`]. Passwords may be bcrypt hashes.
#[must_use]
pub fn server_configuration(users: &[(Role, SecretString)], administrator: Option<&SecretString>) -> String {
    // nats-server reads JSON strings and lists.
    let users = users.iter().map(|(role, password)| {
        let Permissions { publish, subscribe } = permissions(*role);
        serde_json::json!({
            "user": role.as_str(),
            "password": password.expose_secret(),
            "permissions": {"publish": {"allow": publish}, "subscribe": {"allow": subscribe}},
        })
    });
    let administrator =
        administrator.map(|password| serde_json::json!({"user": ADMINISTRATOR, "password": password.expose_secret()}));
    let users: Vec<_> = users.chain(administrator).collect();
    format!("authorization: {:#}\n", serde_json::json!({ "users": users }))
}
