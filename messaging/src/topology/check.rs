//! What services rely on, compared as minima: a release must run beside the one before it and the one after it.

use std::{fmt::Display, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, Context,
        consumer::{AckPolicy, DeliverPolicy},
        stream::{self, DiscardPolicy, StorageType},
    },
};

use super::{
    ACK_WAIT, DEAD_LETTERS, DUPLICATE_WINDOW, Durable, MAX_DEAD_LETTER_BYTES, MAX_EVENT_BYTES, TRANSACTIONS,
    TopologyError, dead_letter_subject,
    ensure::{check_server, read_durable},
};
use crate::{pull::BATCH, subject};

/// Whether events can be published as the relay needs it.
///
/// # Errors
/// [`TopologyError`], which names what is missing.
pub async fn check_publisher(client: &Client) -> Result<(), TopologyError> {
    check_server(client).await?;
    let found = read_stream(&jetstream::new(client.clone()), TRANSACTIONS).await?;
    let expect = Expect { what: format!("stream {TRANSACTIONS}") };
    for subject in subject::wildcards() {
        expect.that(
            "subjects",
            format!("with {subject}"),
            &found.subjects.join(", "),
            found.subjects.contains(&subject),
        )?;
    }
    expect.that("storage", "file", &format!("{:?}", found.storage), found.storage == StorageType::File)?;
    expect.that("discard", "new", &format!("{:?}", found.discard), found.discard == DiscardPolicy::New)?;
    expect.that("no_ack", "false", &found.no_ack, !found.no_ack)?;
    expect.that("allow_atomic", "true", &found.allow_atomic_publish, found.allow_atomic_publish)?;
    expect.at_least("duplicate_window", DUPLICATE_WINDOW, found.duplicate_window)?;
    expect.size("max_msg_size", MAX_EVENT_BYTES, found.max_message_size)
}

/// Whether this durable can be consumed as the runtime needs it, and has somewhere to put its dead letters.
///
/// # Errors
/// [`TopologyError`], which names what is missing.
pub async fn check_consumer(client: &Client, durable: Durable) -> Result<(), TopologyError> {
    check_server(client).await?;
    let jetstream = jetstream::new(client.clone());
    let found = read_durable(&jetstream, durable).await?;
    let expect = Expect { what: durable.to_string() };
    let (ack, deliver) = (&found.ack_policy, &found.deliver_policy);
    expect.that("ack_policy", "explicit", &format!("{ack:?}"), *ack == AckPolicy::Explicit)?;
    expect.that("deliver_policy", "all", &format!("{deliver:?}"), *deliver == DeliverPolicy::All)?;
    let filter = &found.filter_subject;
    expect.that(
        "filter_subject",
        format!("{:?}", durable.filter()),
        &format!("{filter:?}"),
        *filter == durable.filter(),
    )?;
    expect.that("filter_subjects", "unset", &found.filter_subjects.join(", "), found.filter_subjects.is_empty())?;
    expect.that("max_deliver", "unlimited", &found.max_deliver, found.max_deliver == -1)?;
    expect.at_least("ack_wait", ACK_WAIT, found.ack_wait)?;
    let pending = found.max_ack_pending;
    let room = usize::try_from(pending).map_or(true, |pending| pending >= BATCH);
    expect.that("max_ack_pending", format!("{BATCH} or more"), &pending, room)?;

    let found = read_stream(&jetstream, DEAD_LETTERS).await?;
    let expect = Expect { what: format!("stream {DEAD_LETTERS}") };
    let subject = dead_letter_subject("*", "*");
    expect.that(
        "subjects",
        format!("with {subject}"),
        &found.subjects.join(", "),
        found.subjects.contains(&subject),
    )?;
    expect.size("max_msg_size", MAX_DEAD_LETTER_BYTES, found.max_message_size)
}

async fn read_stream(jetstream: &Context, name: &str) -> Result<stream::Config, TopologyError> {
    let what = format!("stream {name}");
    let mut stream = jetstream.get_stream(name).await.map_err(TopologyError::refused(&what))?;
    Ok(stream.info().await.map_err(TopologyError::refused(&what))?.config.clone())
}

struct Expect {
    what: String,
}

impl Expect {
    fn that(&self, field: &str, wanted: impl Display, found: &dyn Display, holds: bool) -> Result<(), TopologyError> {
        if holds {
            return Ok(());
        }
        let (wanted, found) = (wanted.to_string(), found.to_string());
        Err(TopologyError::Differs { what: self.what.clone(), field: field.to_owned(), wanted, found })
    }

    fn at_least(&self, field: &str, wanted: Duration, found: Duration) -> Result<(), TopologyError> {
        self.that(field, format!("{} s or more", wanted.as_secs()), &format!("{} s", found.as_secs()), found >= wanted)
    }

    /// A size limit, where -1 is none.
    fn size(&self, field: &str, wanted: usize, found: i32) -> Result<(), TopologyError> {
        let room = usize::try_from(found).map_or(true, |found| found >= wanted);
        self.that(field, format!("{wanted} or more"), &found, room)
    }
}
