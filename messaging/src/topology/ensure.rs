//! Makes the declared topology so, then reads it back and compares every field: servers before 2.12 silently ignore
//! settings they do not know, and some settings of an existing stream cannot be changed.

use std::{collections::BTreeSet, error::Error, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, Context,
        consumer::{self, IntoConsumerConfig},
        stream,
    },
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{DURABLES, Durable, TopologySettings, streams};

const PATIENCE: Duration = Duration::from_secs(10);

/// The topology is not as declared, and could not be made so.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    #[error("no NATS server answered within {} s", PATIENCE.as_secs())]
    Unreachable,
    #[error("the NATS server is of version {found}; 2.12 is the oldest that this works with")]
    ServerTooOld { found: String },
    #[error("JetStream failed a request about {what}")]
    Refused {
        what: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{field} of {what} is {found}, not {wanted}")]
    Differs { what: String, field: String, wanted: String, found: String },
}

impl TopologyError {
    pub(super) fn refused<E: Error + Send + Sync + 'static>(what: &str) -> impl FnOnce(E) -> Self {
        move |source| Self::Refused { what: what.to_owned(), source: Box::new(source) }
    }
}

/// Creates or updates every stream and durable consumer, and reads them back.
///
/// # Errors
/// [`TopologyError`]; what was done before stays done, and running it again is safe.
pub async fn ensure(client: &Client, settings: &TopologySettings) -> Result<(), TopologyError> {
    check_server(client).await?;
    let jetstream = jetstream::new(client.clone());
    for wanted in streams(settings) {
        ensure_stream(&jetstream, &wanted).await?;
    }
    for durable in DURABLES {
        ensure_durable(&jetstream, durable).await?;
    }
    Ok(())
}

/// From 2.12 a server refuses settings it does not know.
pub(super) async fn check_server(client: &Client) -> Result<(), TopologyError> {
    match tokio::time::timeout(PATIENCE, client.flush()).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) => return Err(TopologyError::Unreachable),
    }
    if client.is_server_compatible(2, 12, 0) {
        return Ok(());
    }
    Err(TopologyError::ServerTooOld { found: client.server_info().version })
}

async fn ensure_stream(jetstream: &Context, wanted: &stream::Config) -> Result<(), TopologyError> {
    let what = format!("stream {}", wanted.name);
    jetstream.create_or_update_stream(wanted.clone()).await.map_err(TopologyError::refused(&what))?;
    let found = jetstream.get_stream(&wanted.name).await.map_err(TopologyError::refused(&what))?;
    compare(&what, wanted, &found.cached_info().config)
}

async fn ensure_durable(jetstream: &Context, durable: Durable) -> Result<(), TopologyError> {
    let what = durable.to_string();
    let mut wanted = durable.config();
    // An operator's pause outlasts an upgrade.
    wanted.pause_until = read_durable(jetstream, durable).await.ok().and_then(|found| found.pause_until);
    jetstream.create_consumer_on_stream(wanted.clone(), durable.stream).await.map_err(TopologyError::refused(&what))?;
    let found = read_durable(jetstream, durable).await?;
    compare(&what, &wanted.into_consumer_config(), &found)
}

pub(super) async fn read_durable(jetstream: &Context, durable: Durable) -> Result<consumer::Config, TopologyError> {
    let what = durable.to_string();
    let stream = jetstream.get_stream_no_info(durable.stream).await.map_err(TopologyError::refused(&what))?;
    Ok(stream.consumer_info(durable.name).await.map_err(TopologyError::refused(&what))?.config)
}

/// Field by field as JSON, both ways: what was declared and is otherwise, and what is set and was not declared.
fn compare<Config: Serialize>(what: &str, wanted: &Config, found: &Config) -> Result<(), TopologyError> {
    let unreadable = |source| TopologyError::Refused { what: what.to_owned(), source: Box::new(source) };
    let wanted = fields(wanted).map_err(unreadable)?;
    let found = fields(found).map_err(unreadable)?;
    let names: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    for field in names {
        let (wanted, found) = (wanted.get(field), found.get(field));
        if wanted != found {
            let text = |value: Option<&Value>| value.map_or_else(|| "unset".to_owned(), Value::to_string);
            let (wanted, found) = (text(wanted), text(found));
            return Err(TopologyError::Differs { what: what.to_owned(), field: field.clone(), wanted, found });
        }
    }
    Ok(())
}

fn fields<Config: Serialize>(config: &Config) -> Result<Map<String, Value>, serde_json::Error> {
    let Value::Object(mut fields) = serde_json::to_value(config)? else {
        return Ok(Map::new());
    };
    // The server adds its own notes to the metadata.
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|key, _| !key.starts_with("_nats."));
        if metadata.is_empty() {
            fields.remove("metadata");
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::stream::Config;

    use super::*;

    fn differing(found: impl FnOnce(&mut Config)) -> Option<String> {
        let [wanted, ..] = streams(&TopologySettings::default());
        let mut changed = wanted.clone();
        found(&mut changed);
        match compare("it", &wanted, &changed) {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    #[test]
    fn what_a_server_ignored_or_added_is_named() {
        assert_eq!(differing(|_| {}), None);
        assert_eq!(differing(|found| found.max_messages = 5), Some("max_msgs of it is 5, not -1".to_owned()));
        assert_eq!(
            differing(|found| found.allow_atomic_publish = false),
            Some("allow_atomic of it is unset, not true".to_owned())
        );
        assert_eq!(differing(|found| found.sealed = true), Some("sealed of it is true, not unset".to_owned()));
    }

    #[test]
    fn what_the_server_notes_for_itself_is_no_difference() {
        let note = |found: &mut Config| drop(found.metadata.insert("_nats.level".to_owned(), "1".to_owned()));
        assert_eq!(differing(note), None);
        let other = |found: &mut Config| drop(found.metadata.insert("owner".to_owned(), "me".to_owned()));
        assert!(differing(other).is_some());
    }
}
