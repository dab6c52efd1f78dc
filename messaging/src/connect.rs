//! A connection to NATS that never gives up: a service starts while NATS is away, and goes on when it comes back.

use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectOptions, Event, ServerError, connection::State};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::permissions::Role;

/// How soon a connection that is cut without a word is noticed: two pings without an answer.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long a request to JetStream may take. A permission that is missing looks like this, too.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Where NATS is, and as whom to speak to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// `nats://` or `tls://`, host and port; several separated by commas.
    pub url: String,
    pub user: String,
    pub password: SecretString,
}

/// A client that connects in the background and for ever. `name` is shown by the server's monitoring.
///
/// # Errors
/// Where the address cannot be parsed. A server that is away is no error.
pub async fn connect(config: &NatsConfig, role: Role, name: &str) -> Result<Client, ConnectError> {
    let servers: Vec<&str> = config.url.split(',').collect();
    ConnectOptions::new()
        .name(name)
        .user_and_password(config.user.clone(), config.password.expose_secret().to_owned())
        .custom_inbox_prefix(role.inbox_prefix())
        .retry_on_initial_connect()
        .max_reconnects(None)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .event_callback(|event| async move { log(&event) })
        .connect(servers)
        .await
}

/// Whether the client is connected at this moment.
#[must_use]
pub fn is_connected(client: &Client) -> bool {
    client.connection_state() == State::Connected
}

/// A permission violation reaches its caller as a timeout: here it is told in words.
fn log(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::ServerError(ServerError::Other(error)) => tracing::error!(error, "NATS refused something: {error}"),
        Event::ServerError(error) => tracing::error!(%error, "NATS refused something: {error}"),
        other => tracing::warn!(event = %other, "the connection to NATS is affected: {other}"),
    }
}
