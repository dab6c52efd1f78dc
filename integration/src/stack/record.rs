//! `platform.json`: where everything of a running platform is, for scripts, load and fault tools. It holds secrets of the
//! development stack, so only its owner may read it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use messaging::permissions::Role;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::stack::backing::Backing;
use crate::stack::identity::Issuer;
use crate::stack::nats::{Login, Nats};
use crate::stack::platform::Platform;
use crate::stack::process::Process;
use crate::stack::provision::{NOTIFICATIONS, TRANSACTIONS};
use crate::stack::redis::Redis;
use crate::stack::secret::write_private;
use crate::stack::service::Service;
use crate::stack::settings;

const FILE: &str = "platform.json";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    pub transaction_svc: Vec<ReplicaRecord>,
    pub notification_svc: Vec<ReplicaRecord>,
    pub postgres: PostgresRecord,
    pub nats: NatsRecord,
    pub redis: RedisRecord,
    pub webhook: WebhookRecord,
    pub tokens: Tokens,
    /// The configuration of operators' commands, by variable.
    pub operators: BTreeMap<String, String>,
    /// The certificate authority's file, when the platform speaks TLS.
    pub ca: Option<String>,
    pub supervisor_pid: u32,
}

/// Addresses have no slash at their end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplicaRecord {
    pub url: String,
    pub admin_url: String,
    pub pid: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PostgresRecord {
    /// Absent when the server is not ours.
    pub pid: Option<u32>,
    /// By role: `admin`, `transaction_svc`, `notification_svc`.
    pub url: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NatsRecord {
    /// Absent when the server is not ours.
    pub pid: Option<u32>,
    pub url: String,
    pub monitor_url: Option<String>,
    /// Of each role, `user:password`.
    pub credentials: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RedisRecord {
    /// Absent when the server is not ours.
    pub pid: Option<u32>,
    pub url: String,
}

/// The platform's own receiver of webhooks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WebhookRecord {
    pub url: String,
    /// With which it believes signatures.
    pub secret: String,
}

/// Bearer tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    pub service: String,
    pub operator: String,
    pub alice: String,
    pub bob: String,
}

impl Tokens {
    /// Those that every platform hands out.
    ///
    /// # Errors
    /// When they cannot be signed.
    pub fn issue(issuer: &Issuer) -> anyhow::Result<Self> {
        Ok(Self {
            service: issuer.service_token()?,
            operator: issuer.operator_token()?,
            alice: issuer.user_token("alice")?,
            bob: issuer.user_token("bob")?,
        })
    }
}

impl Record {
    /// As the platform is now.
    #[must_use]
    pub fn of(platform: &Platform, tokens: Tokens) -> Self {
        let replicas = [&platform.transaction_svc, &platform.notification_svc];
        let [ledgers, inboxes] = replicas.map(|services| services.iter().map(ReplicaRecord::of).collect());
        let receiver = platform.notification_svc.first().map(Service::webhook_url);
        let receiver = receiver.as_ref().map(address).unwrap_or_default();
        Self::new(&platform.backing, [ledgers, inboxes], receiver, tokens)
    }

    /// One replica of the ledger and one of the notification service, in containers.
    ///
    /// # Errors
    /// When no tokens can be signed.
    pub(super) fn in_containers(backing: &Backing, [ledger, inbox]: [ReplicaRecord; 2]) -> anyhow::Result<Self> {
        let receiver = format!("{}/v1/webhooks/transactions", inbox.url);
        Ok(Self::new(backing, [vec![ledger], vec![inbox]], receiver, Tokens::issue(&backing.issuer)?))
    }

    fn new(backing: &Backing, services: [Vec<ReplicaRecord>; 2], receiver: String, tokens: Tokens) -> Self {
        let [transaction_svc, notification_svc] = services;
        let ledger = transaction_svc.first().map(|replica| replica.url.as_str()).unwrap_or_default();
        let operators = settings::operate(backing, ledger, &tokens.operator).into_iter().collect();
        Self {
            transaction_svc,
            notification_svc,
            postgres: PostgresRecord::of(backing),
            nats: NatsRecord::of(&backing.nats),
            redis: RedisRecord::of(&backing.redis),
            webhook: WebhookRecord { url: receiver, secret: backing.webhook_secret().reveal() },
            operators,
            tokens,
            ca: None,
            supervisor_pid: std::process::id(),
        }
    }

    /// Writes it into a data directory, all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, directory: &Path) -> anyhow::Result<()> {
        write_private(&directory.join(FILE), &serde_json::to_vec_pretty(self)?)
    }

    /// What the platform on this data directory wrote last.
    ///
    /// # Errors
    /// When no platform has run on it.
    pub fn read(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        let bytes = fs::read(&path).with_context(|| {
            format!("cannot read {}: no platform has run there; `make run` starts one", path.display())
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not a platform's", path.display()))
    }
}

impl ReplicaRecord {
    fn of(service: &Service) -> Self {
        Self { url: address(&service.url), admin_url: address(&service.admin_url), pid: service.process.pid() }
    }
}

impl PostgresRecord {
    fn of(backing: &Backing) -> Self {
        let database = &backing.database;
        let addresses = [
            ("admin", database.admin().clone()),
            (TRANSACTIONS.service, database.service(TRANSACTIONS)),
            (NOTIFICATIONS.service, database.service(NOTIFICATIONS)),
        ];
        Self {
            pid: pid(backing.postgres.process.as_ref()),
            url: addresses.map(|(role, url)| (role.to_owned(), address(&url))).into(),
        }
    }
}

impl NatsRecord {
    fn of(nats: &Nats) -> Self {
        let credentials = Role::ALL.map(|role| {
            let Login { user, password } = nats.login(role);
            (role.as_str().to_owned(), format!("{user}:{password}"))
        });
        Self {
            pid: pid(nats.process.as_ref()),
            url: address(&nats.url),
            monitor_url: nats.monitor_url.as_ref().map(address),
            credentials: credentials.into(),
        }
    }
}

impl RedisRecord {
    fn of(redis: &Redis) -> Self {
        Self { pid: pid(redis.process.as_ref()), url: address(&redis.url) }
    }
}

fn pid(process: Option<&Process>) -> Option<u32> {
    process.and_then(Process::pid)
}

fn address(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
