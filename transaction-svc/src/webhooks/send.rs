//! One attempt: the request, signed now, and what the receiver made of it.

use std::time::Duration;

use bytes::Bytes;
use contract::{
    signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign},
    webhook::AttemptOutcome,
};
use reqwest::{Client, Response, header, redirect};
use service_kit::{clock::SharedClock, telemetry::chain};

use super::{
    address::{AllowedAddresses, PublicResolver, Reach},
    schedule::retry_after,
    targets::Target,
};
use crate::store::webhooks::queue::Leased;

/// From the beginning of the attempt to the end of the answer's body.
const DEADLINE: Duration = Duration::from_secs(15);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How much of an answer is read. With more than that the connection is not used again.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// How much of a refusal is kept, in characters.
const KEPT_OF_ANSWER: usize = 500;
/// Shorter than receivers and what stands before them keep idle connections (60 s is usual).
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
const TRACEPARENT: &str = "traceparent";

/// What became of an attempt.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) outcome: AttemptOutcome,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    /// How long the receiver wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// Makes attempts.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    allowed: AllowedAddresses,
    clock: SharedClock,
    public: Client,
    named: Client,
}

impl Sender {
    /// # Errors
    /// None in practice: the clients need nothing but the machine's certificates.
    pub(super) fn new(allowed: AllowedAddresses, clock: SharedClock, connections: usize) -> reqwest::Result<Self> {
        // A proxy of the environment would be asked to connect where this process must not.
        let client = || {
            Client::builder()
                .no_proxy()
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT_WITHIN)
                .pool_idle_timeout(IDLE_CONNECTION)
                .pool_max_idle_per_host(connections)
                .tcp_nodelay(true)
                .user_agent(concat!("fintech-platform/", env!("CARGO_PKG_VERSION")))
        };
        let public = client().https_only(true).dns_resolver(PublicResolver).build()?;
        Ok(Self { allowed, clock, public, named: client().build()? })
    }

    /// Sends an event once. Never fails: that, too, is an answer.
    pub(super) async fn attempt(&self, leased: &Leased, body: &Bytes, target: &Target) -> Answer {
        let client_and_url = match target.allows_any_address {
            true => leased.url.parse().map(|url| (&self.named, url)).map_err(|error| format!("the URL {error}")),
            false => match self.allowed.vet(&leased.url) {
                Ok((url, Reach::Public)) => Ok((&self.public, url)),
                Ok((url, Reach::Named)) => Ok((&self.named, url)),
                Err(error) => Err(format!("the URL {error}")),
            },
        };
        let (client, url) = match client_and_url {
            Ok(found) => found,
            Err(error) => return Answer::failure(AttemptOutcome::NotSent, error),
        };
        let now = self.clock.now();
        let (id, timestamp) = (leased.event.to_string(), now.unix_timestamp());
        let signature = sign(target.live_secrets(now), &id, timestamp, body);
        if signature.is_empty() {
            return Answer::failure(AttemptOutcome::NotSent, "the endpoint has no live secret".to_owned());
        }
        let mut request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(ID_HEADER, id)
            .header(TIMESTAMP_HEADER, timestamp)
            .header(SIGNATURE_HEADER, signature)
            .body(body.clone());
        if let Some(traceparent) = &leased.traceparent {
            request = request.header(TRACEPARENT, traceparent);
        }
        let exchange = async {
            let response = request.send().await?;
            self.read(response).await
        };
        match tokio::time::timeout(DEADLINE, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Answer::failure(AttemptOutcome::Unreachable, chain(&error.without_url())),
            Err(_elapsed) => {
                let error = format!("no complete answer within {} s", DEADLINE.as_secs());
                Answer::failure(AttemptOutcome::TimedOut, error)
            }
        }
    }

    async fn read(&self, mut response: Response) -> reqwest::Result<Answer> {
        let status = response.status();
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = asked.and_then(|value| retry_after(value, self.clock.now()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_ANSWER_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        if status.is_success() {
            let outcome = AttemptOutcome::Delivered;
            return Ok(Answer { outcome, status: Some(status.as_u16()), error: None, retry_after: None });
        }
        // Postgres cannot store U+0000.
        let said: String =
            String::from_utf8_lossy(&body).replace('\0', "\u{fffd}").chars().take(KEPT_OF_ANSWER).collect();
        let error = format!("answered {status}: {said}");
        let status = Some(status.as_u16());
        Ok(Answer { outcome: AttemptOutcome::Refused, status, error: Some(error), retry_after })
    }
}

impl Answer {
    pub(super) const fn failure(outcome: AttemptOutcome, error: String) -> Self {
        Self { outcome, status: None, error: Some(error), retry_after: None }
    }
}
