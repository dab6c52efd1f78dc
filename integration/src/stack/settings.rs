//! The configuration of the services on this stack: the only file that knows the names of their fields.

use base64::{Engine, engine::general_purpose::STANDARD};
use messaging::permissions::Role;
use url::Url;

use crate::stack::backing::Backing;
use crate::stack::identity::{AUDIENCE, ISSUER};
use crate::stack::provision::{NOTIFICATIONS, TRANSACTIONS, Tenant};
use crate::stack::service::{ServiceKind, Settings, variables};

/// For people: they look at the logs.
const LOG_FORMAT: (&str, &str) = ("LOG__FORMAT", "text");

impl ServiceKind {
    const fn tenant(self) -> Tenant {
        match self {
            Self::Transaction => TRANSACTIONS,
            Self::Notification => NOTIFICATIONS,
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Transaction => Role::TransactionSvc,
            Self::Notification => Role::NotificationSvc,
        }
    }
}

/// What `serve` runs with.
#[must_use]
pub fn serve(kind: ServiceKind, backing: &Backing) -> Settings {
    let mut settings = settings([
        ("POSTGRES__URL", backing.database.service(kind.tenant()).as_str()),
        ("AUTH__ISSUER", ISSUER),
        ("AUTH__AUDIENCE", AUDIENCE),
        ("AUTH__JWKS_FILE", &backing.key_set().to_string_lossy()),
        ("REDIS__URL", backing.redis.url.as_str()),
        ("CURSOR_KEY", &backing.secret.derive(&format!("{} cursor key", kind.program()))),
        LOG_FORMAT,
    ]);
    settings.extend(nats("NATS", kind.role(), backing));
    match kind {
        ServiceKind::Transaction => {
            let key = format!("development:{}", STANDARD.encode(backing.secret_bytes("webhook encryption key")));
            settings.push(("WEBHOOKS__ENCRYPTION_KEYS".to_owned(), key));
        }
        ServiceKind::Notification => {
            settings.push(("WEBHOOK__SECRETS".to_owned(), backing.webhook_secret().reveal()));
            settings.extend(nats("OPERATOR", Role::Operator, backing));
        }
    }
    settings
}

/// What the ledger needs besides to send events to this receiver, the platform's own.
#[must_use]
pub fn own_endpoint(backing: &Backing, receiver: &Url) -> Settings {
    self::settings([
        ("WEBHOOKS__OWN_ENDPOINT__URL", receiver.as_str()),
        ("WEBHOOKS__OWN_ENDPOINT__SECRETS", &backing.webhook_secret().reveal()),
    ])
}

/// What the notification service needs besides to show in its console what this ledger knows.
#[must_use]
pub fn ledger(url: &str) -> Settings {
    settings([("LEDGER__URL", url)])
}

/// What `migrate` runs with.
#[must_use]
pub fn migrate(kind: ServiceKind, backing: &Backing) -> Settings {
    let mut settings = settings([("MIGRATOR_URL", backing.database.migrator(kind.tenant()).as_str()), LOG_FORMAT]);
    settings.extend(nats("PROVISIONER", Role::Provisioner, backing));
    if let Some(cluster) = &backing.nats.cluster {
        settings.push(("TOPOLOGY__REPLICAS".to_owned(), cluster.nodes.len().to_string()));
    }
    settings
}

/// What operators' commands of both services run with, as variables of the environment: they migrate, look at the queues,
/// and ask this ledger with this token.
#[must_use]
pub fn operate(backing: &Backing, ledger: &str, token: &str) -> Vec<(String, String)> {
    let of = |kind| {
        let mut settings = serve(kind, backing);
        settings.extend(migrate(kind, backing));
        // What a command has to say is its output.
        settings.push(("LOG__FILTER".to_owned(), "warn".to_owned()));
        if kind == ServiceKind::Notification {
            settings.extend(self::settings([("LEDGER__URL", ledger), ("LEDGER__TOKEN", token)]));
        }
        variables(kind, &settings)
    };
    [of(ServiceKind::Transaction), of(ServiceKind::Notification)].concat()
}

fn nats(section: &str, role: Role, backing: &Backing) -> Settings {
    let login = backing.nats.login(role);
    settings([("URL", backing.nats.servers().as_str()), ("USER", &login.user), ("PASSWORD", &login.password)])
        .into_iter()
        .map(|(field, value)| (format!("{section}__{field}"), value))
        .collect()
}

fn settings<const N: usize>(fields: [(&str, &str); N]) -> Settings {
    fields.map(|(field, value)| (field.to_owned(), value.to_owned())).into()
}
