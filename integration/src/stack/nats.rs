//! The NATS server of the stack: JetStream on disk, one user per role with the permissions the role needs and no more.

use std::fs;
use std::path::Path;

use anyhow::Context;
use messaging::permissions::{Role, server_configuration};
use secrecy::SecretString;
use url::Url;

use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;
use crate::stack::secret::{Secret, write_private};
use crate::stack::wheels::Servers;

/// A name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

#[derive(Debug)]
enum Logins {
    /// A user per role, with derived passwords.
    PerRole(Secret),
    One(Login),
}

/// A NATS server: ours to start and kill, or one that runs elsewhere.
#[derive(Debug)]
pub struct Nats {
    pub url: Url,
    /// HTTP; `None` when the server is not ours.
    pub monitor_url: Option<Url>,
    logins: Logins,
    pub process: Option<Process>,
    _ports: Vec<Port>,
}

impl Nats {
    /// A server that runs already. Every role uses the login in its address.
    ///
    /// # Errors
    /// When the address has no password.
    pub fn elsewhere(mut url: Url) -> anyhow::Result<Self> {
        let password = url.password().context("the address of NATS needs a user and a password")?.to_owned();
        let login = Login { user: url.username().to_owned(), password };
        let stripped = url.set_username("").and_then(|()| url.set_password(None));
        stripped.map_err(|()| anyhow::anyhow!("the address of NATS needs a host"))?;
        Ok(Self { url, monitor_url: None, logins: Logins::One(login), process: None, _ports: Vec::new() })
    }

    /// Starts the server whose streams are below `data_directory`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(servers: &Servers, data_directory: &Path, secret: &Secret) -> anyhow::Result<Self> {
        let [port, monitor] = [Port::any()?, Port::any()?];
        let url = Url::parse(&format!("nats://127.0.0.1:{}", port.number()))?;
        let monitor_url = Url::parse(&format!("http://127.0.0.1:{}", monitor.number()))?;

        let store = data_directory.join("nats");
        fs::create_dir_all(&store).with_context(|| format!("cannot create {}", store.display()))?;
        let configuration = data_directory.join("nats.conf");
        write_private(&configuration, configure(&port, &monitor, &store, secret).as_bytes())?;

        let program = Program::new("nats-server", servers.nats_server.clone(), data_directory.join("nats.log"))
            .arguments([Path::new("--config"), &configuration]);
        let process = Process::new(program, Readiness::Http(monitor_url.join("healthz")?));
        process.start().await?;
        let logins = Logins::PerRole(secret.clone());
        Ok(Self { url, monitor_url: Some(monitor_url), logins, process: Some(process), _ports: vec![port, monitor] })
    }

    /// The login of a role.
    #[must_use]
    pub fn login(&self, role: Role) -> Login {
        match &self.logins {
            Logins::PerRole(secret) => Login { user: role.as_str().to_owned(), password: password(role, secret) },
            Logins::One(login) => login.clone(),
        }
    }
}

fn password(role: Role, secret: &Secret) -> String {
    secret.derive(&format!("nats {role}"))
}

/// JetStream acknowledges before it syncs to disk, its default and production's: Postgres is the source of truth.
fn configure(port: &Port, monitor: &Port, store: &Path, secret: &Secret) -> String {
    let users = Role::ALL.map(|role| (role, SecretString::from(password(role, secret))));
    format!(
        "server_name: platform
listen: \"127.0.0.1:{port}\"
http: \"127.0.0.1:{monitor}\"
jetstream {{ store_dir: {store:?}, max_memory_store: 64MB, max_file_store: 20GB }}
{users}",
        port = port.number(),
        monitor = monitor.number(),
        users = server_configuration(&users),
    )
}
