//! The NATS server of the stack: JetStream on disk, one user per role with the permissions the role needs and no more.

use std::fs;
use std::path::Path;

use anyhow::Context;
use messaging::permissions::{Role, server_configuration};
use secrecy::SecretString;
use url::Url;

use crate::stack::docker::Container;
use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;
use crate::stack::secret::{Secret, write_private};
use crate::stack::servers::Servers;

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
    _container: Option<Container>,
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
        Ok(Self {
            url,
            monitor_url: None,
            logins: Logins::One(login),
            process: None,
            _ports: Vec::new(),
            _container: None,
        })
    }

    /// A server that runs elsewhere, with [`configuration`] of the same secret.
    #[must_use]
    pub fn configured(url: Url, monitor_url: Option<Url>, secret: &Secret) -> Self {
        let logins = Logins::PerRole(secret.clone());
        Self { url, monitor_url, logins, process: None, _ports: Vec::new(), _container: None }
    }

    /// Starts the server whose streams are below `data_directory`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(servers: &Servers, data_directory: &Path, secret: &Secret) -> anyhow::Result<Self> {
        match servers {
            Servers::Programs(programs) => Self::start_program(&programs.nats_server, data_directory, secret).await,
            Servers::Containers(containers) => {
                let configuration = |store: &Path| configuration("0.0.0.0:4222", "0.0.0.0:8222", store, secret);
                let container = containers.nats(configuration).await?;
                let [(host, port), (_, monitor)] = [container.published(4222).await?, container.published(8222).await?];
                let url = Url::parse(&format!("nats://{host}:{port}"))?;
                let monitor_url = Url::parse(&format!("http://{host}:{monitor}"))?;
                Readiness::Http(monitor_url.join("healthz")?).waited_for("NATS in its container").await?;
                Ok(Self { _container: Some(container), ..Self::configured(url, Some(monitor_url), secret) })
            }
        }
    }

    async fn start_program(program: &Path, data_directory: &Path, secret: &Secret) -> anyhow::Result<Self> {
        let [port, monitor] = [Port::any()?, Port::any()?];
        let [listen, http] = [&port, &monitor].map(|port| format!("127.0.0.1:{}", port.number()));
        let url = Url::parse(&format!("nats://{listen}"))?;
        let monitor_url = Url::parse(&format!("http://{http}"))?;

        let store = data_directory.join("nats");
        fs::create_dir_all(&store).with_context(|| format!("cannot create {}", store.display()))?;
        let file = data_directory.join("nats.conf");
        write_private(&file, configuration(&listen, &http, &store, secret).as_bytes())?;

        let program = Program::new("nats-server", program.to_owned(), data_directory.join("nats.log"))
            .arguments([Path::new("--config"), &file]);
        let process = Process::new(program, Readiness::Http(monitor_url.join("healthz")?));
        process.start().await?;
        let ports = vec![port, monitor];
        Ok(Self { process: Some(process), _ports: ports, ..Self::configured(url, Some(monitor_url), secret) })
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

/// What a server runs with that listens at `listen`, and for its monitoring at `http`. JetStream acknowledges before it
/// syncs to disk, its default and production's: Postgres is the source of truth.
#[must_use]
pub fn configuration(listen: &str, http: &str, store: &Path, secret: &Secret) -> String {
    let users = Role::ALL.map(|role| (role, SecretString::from(password(role, secret))));
    format!(
        "server_name: platform
listen: {listen:?}
http: {http:?}
jetstream {{ store_dir: {store:?}, max_memory_store: 64MB, max_file_store: 20GB }}
{users}",
        users = server_configuration(&users),
    )
}
