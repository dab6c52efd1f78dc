//! What the containers of `compose.yaml` are given: the roles, permissions and configuration of the stack on this machine,
//! with the addresses that containers have among each other.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use url::Url;

use crate::stack::backing::Backing;
use crate::stack::provision;
use crate::stack::record::{Record, ReplicaRecord};
use crate::stack::secret::write_private;
use crate::stack::service::{ServiceKind, Settings, variables};
use crate::stack::{nats, settings};

/// Where the services' containers find the issuer's keys.
const KEY_SET: &str = "/etc/platform/jwks.json";
/// Where the ledger's container reaches the platform's own receiver.
const RECEIVER: &str = "http://notification-svc:8080/v1/webhooks/transactions";
/// Where the notification service's container reaches the ledger.
const LEDGER: &str = "http://transaction-svc:8080";

/// Writes it into this directory, which only its owner may enter: the containers are given single files of it.
///
/// # Errors
/// When something cannot be written.
pub fn prepare(directory: &Path) -> anyhow::Result<()> {
    let backing = Backing::in_containers(directory)?;
    let directory = backing.directory.path();
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for kind in [ServiceKind::Transaction, ServiceKind::Notification] {
        let name = kind.program();
        write_private(&directory.join(format!("{name}.env")), &environment(kind, serve(kind, &backing)?))?;
        let migrate = settings::migrate(kind, &backing);
        write_private(&directory.join(format!("{name}.migrate.env")), &environment(kind, migrate))?;
    }
    let password = backing.database.admin().password().unwrap_or_default();
    write_private(&directory.join("postgres.env"), format!("POSTGRES_PASSWORD={password}\n").as_bytes())?;
    let password = backing.secret.derive("grafana");
    write_private(&directory.join("grafana.env"), format!("GF_SECURITY_ADMIN_PASSWORD={password}\n").as_bytes())?;

    let nats = nats::configuration("0.0.0.0:4222", "0.0.0.0:8222", Path::new("/data"), &backing.secret);
    for (name, content) in [("nats.conf", nats), ("roles.sql", provision::script(backing.database.admin()))] {
        let path = directory.join(name);
        write_private(&path, content.as_bytes())?;
        let_containers_read(&path)?;
    }
    let_containers_read(&backing.key_set())?;
    Record::in_containers(&backing, [8080, 8081].map(published))?.write(directory)
}

fn serve(kind: ServiceKind, backing: &Backing) -> anyhow::Result<Settings> {
    let mut fields = settings::serve(kind, backing);
    fields.retain(|(field, _)| field != "AUTH__JWKS_FILE");
    fields.push(("AUTH__JWKS_FILE".to_owned(), KEY_SET.to_owned()));
    fields.extend(match kind {
        ServiceKind::Transaction => settings::own_endpoint(backing, &Url::parse(RECEIVER)?),
        ServiceKind::Notification => settings::ledger(LEDGER),
    });
    Ok(fields)
}

/// The lines of an `env_file`. No value has a character that would need quotes: they are hexadecimal, base64 and addresses.
fn environment(kind: ServiceKind, fields: Settings) -> Vec<u8> {
    let lines = variables(kind, &fields).into_iter().map(|(name, value)| format!("{name}={value}\n"));
    lines.collect::<String>().into_bytes()
}

/// A replica whose ports are published on this machine: the API at this one, health and metrics ten above.
fn published(port: u16) -> ReplicaRecord {
    let address = |port: u16| format!("http://127.0.0.1:{port}");
    ReplicaRecord { url: address(port), admin_url: address(port + 10), pid: None }
}

/// Whatever user a container runs as.
fn let_containers_read(path: &Path) -> anyhow::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o644))
        .with_context(|| format!("cannot open {} to containers", path.display()))
}
