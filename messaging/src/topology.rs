//! The streams and durable consumers of the platform, declared once. Every field is spelled out: a default of the
//! library or of the server is nobody's decision, and changes under us.
//!
//! [`ensure`] makes them so, with the `provisioner` role, when a release is installed. Services only [`check_publisher`]
//! and [`check_consumer`], which compare what they rely on as minima, so that the releases before and after an upgrade can
//! run beside each other. Permissions are derived from the same declaration, in [`crate::permissions`].

mod check;
mod ensure;

use std::{collections::HashMap, fmt, time::Duration};

use async_nats::jetstream::{
    consumer::{self, AckPolicy, DeliverPolicy, PriorityPolicy, ReplayPolicy},
    stream::{self, Compression, DiscardPolicy, RetentionPolicy, StorageType},
};
use serde::Deserialize;

pub use check::{check_consumer, check_publisher};
pub use ensure::{TopologyError, ensure};

use crate::subject;

/// Every event, written by the relay alone.
pub const TRANSACTIONS: &str = "TRANSACTIONS";
/// Events that operators hand to one consumer again.
pub const REDRIVE: &str = "REDRIVE";
/// Messages that a consumer gave up on.
pub const DEAD_LETTERS: &str = "DEAD_LETTERS";

/// For how long the stream recognises an event that is published a second time.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(5 * 60);
/// How long a consumer may work on a message before it is delivered to another.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(30);
/// Events stay below 32 KiB; their headers are small.
pub(crate) const MAX_EVENT_BYTES: usize = 64 * 1024;
/// An event with the headers of a dead letter, among them an error text.
const MAX_DEAD_LETTER_BYTES: usize = 2 * MAX_EVENT_BYTES;

/// What differs between installations.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopologySettings {
    /// Copies of each stream: 3 in a cluster.
    pub replicas: usize,
    pub transactions_max_bytes: i64,
    pub transactions_max_age_days: u32,
    pub redrive_max_bytes: i64,
    pub dead_letters_max_bytes: i64,
    pub dead_letters_max_age_days: u32,
}

impl Default for TopologySettings {
    fn default() -> Self {
        const GIBIBYTE: i64 = 1024 * 1024 * 1024;
        Self {
            replicas: 1,
            transactions_max_bytes: 4 * GIBIBYTE,
            transactions_max_age_days: 30,
            redrive_max_bytes: GIBIBYTE,
            dead_letters_max_bytes: GIBIBYTE,
            dead_letters_max_age_days: 90,
        }
    }
}

/// A durable pull consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    pub stream: &'static str,
    pub name: &'static str,
    /// Whose messages these are: the name in the subjects of its dead letters and redrives.
    pub consumer: &'static str,
    description: &'static str,
}

/// The notification service's place in [`TRANSACTIONS`].
pub const NOTIFICATIONS: Durable = Durable {
    stream: TRANSACTIONS,
    name: "notification-svc",
    consumer: "notification-svc",
    description: "Every event, for notifications",
};
/// The notification service's place in [`REDRIVE`].
pub const NOTIFICATIONS_REDRIVE: Durable = Durable {
    stream: REDRIVE,
    name: "notification-svc-redrive",
    consumer: "notification-svc",
    description: "Events that operators handed to the notification service again",
};

/// Every durable there is.
pub const DURABLES: [Durable; 2] = [NOTIFICATIONS, NOTIFICATIONS_REDRIVE];
/// Every stream there is.
pub const STREAMS: [&str; 3] = [TRANSACTIONS, REDRIVE, DEAD_LETTERS];

impl Durable {
    /// The one subject that the durable reads, or none where it reads the whole stream.
    pub(crate) fn filter(&self) -> String {
        if self.stream == REDRIVE { redrive_subject(self.consumer) } else { String::new() }
    }

    pub(crate) fn config(&self) -> consumer::pull::Config {
        consumer::pull::Config {
            durable_name: Some(self.name.to_owned()),
            name: Some(self.name.to_owned()),
            description: Some(self.description.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            // The bound on attempts is the consumer's own: deliveries that no handler saw would count here.
            max_deliver: -1,
            filter_subject: self.filter(),
            filter_subjects: Vec::new(),
            replay_policy: ReplayPolicy::Instant,
            rate_limit: 0,
            sample_frequency: 0,
            max_waiting: 512,
            max_ack_pending: 20_000,
            headers_only: false,
            max_batch: 0,
            max_bytes: 0,
            max_expires: Duration::ZERO,
            inactive_threshold: Duration::ZERO,
            // As many as the stream has.
            num_replicas: 0,
            memory_storage: false,
            metadata: HashMap::new(),
            backoff: Vec::new(),
            priority_policy: PriorityPolicy::None,
            priority_groups: Vec::new(),
            priority_timeout: Duration::ZERO,
            pause_until: None,
        }
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable consumer {} of stream {}", self.name, self.stream)
    }
}

/// The subject under which a consumer's dead letters of one reason are kept.
pub(crate) fn dead_letter_subject(consumer: &str, reason: &str) -> String {
    format!("dead_letters.{consumer}.{reason}")
}

/// The subject under which events are handed to a consumer again.
pub(crate) fn redrive_subject(consumer: &str) -> String {
    format!("redrive.{consumer}")
}

/// The declaration of every stream.
pub(crate) fn streams(settings: &TopologySettings) -> [stream::Config; 3] {
    let transactions = stream::Config {
        description: Some("Every event, written by the relay of transaction-svc alone".to_owned()),
        subjects: subject::wildcards(),
        max_bytes: settings.transactions_max_bytes,
        max_age: days(settings.transactions_max_age_days),
        max_message_size: size(MAX_EVENT_BYTES),
        deny_delete: true,
        deny_purge: true,
        // A relay that takes over publishes its first events at once.
        allow_atomic_publish: true,
        ..stream_of_the_platform(TRANSACTIONS, settings)
    };
    let redrive = stream::Config {
        description: Some("Events that operators handed to one consumer again".to_owned()),
        subjects: vec![redrive_subject("*")],
        retention: RetentionPolicy::WorkQueue,
        max_bytes: settings.redrive_max_bytes,
        max_message_size: size(MAX_DEAD_LETTER_BYTES),
        ..stream_of_the_platform(REDRIVE, settings)
    };
    let dead_letters = stream::Config {
        description: Some("Messages that a consumer gave up on, with the reason".to_owned()),
        subjects: vec![dead_letter_subject("*", "*")],
        max_bytes: settings.dead_letters_max_bytes,
        max_age: days(settings.dead_letters_max_age_days),
        max_message_size: size(MAX_DEAD_LETTER_BYTES),
        ..stream_of_the_platform(DEAD_LETTERS, settings)
    };
    [transactions, redrive, dead_letters]
}

const fn days(days: u32) -> Duration {
    Duration::from_secs(days as u64 * 24 * 60 * 60)
}

/// A size as the server wants it.
fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// What all our streams have in common: on disk, refusing new messages rather than dropping unread ones.
fn stream_of_the_platform(name: &str, settings: &TopologySettings) -> stream::Config {
    stream::Config {
        name: name.to_owned(),
        description: None,
        subjects: Vec::new(),
        storage: StorageType::File,
        num_replicas: settings.replicas,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        discard_new_per_subject: false,
        duplicate_window: DUPLICATE_WINDOW,
        max_bytes: -1,
        max_age: Duration::ZERO,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        deny_delete: false,
        deny_purge: false,
        no_ack: false,
        sealed: false,
        allow_rollup: false,
        allow_direct: false,
        mirror_direct: false,
        allow_message_ttl: false,
        allow_atomic_publish: false,
        allow_message_schedules: false,
        allow_message_counter: false,
        compression: Some(Compression::None),
        consumer_limits: None,
        first_sequence: None,
        subject_delete_marker_ttl: None,
        subject_transform: None,
        republish: None,
        mirror: None,
        sources: None,
        placement: None,
        persist_mode: None,
        pause_until: None,
        template_owner: String::new(),
        metadata: HashMap::new(),
    }
}
