//! The NATS server of the stack: JetStream on disk, one user per role with the permissions the role needs and no more.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use async_nats::{ConnectOptions, jetstream};
use messaging::permissions::{ADMINISTRATOR, Role, server_configuration};
use secrecy::SecretString;
use url::Url;

use crate::fault::disk::SmallDisk;
use crate::stack::cluster::Cluster;
use crate::stack::docker::Container;
use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;
use crate::stack::secret::{Secret, write_private};
use crate::stack::servers::{Programs, Servers};

/// The name of a server that is alone, and of the directory of its streams.
const ONLY: &str = "nats";

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

/// Who serves the streams: one server or a cluster of ours, to start and kill, or one that runs elsewhere.
#[derive(Debug)]
pub struct Nats {
    /// Of the only server, or of the first.
    pub url: Url,
    /// HTTP; `None` when the server is not ours.
    pub monitor_url: Option<Url>,
    logins: Logins,
    /// The only server.
    pub process: Option<Process>,
    /// Where its streams are, when they are on a disk of their own.
    pub disk: Option<SmallDisk>,
    pub cluster: Option<Cluster>,
    _ports: Vec<Port>,
    _container: Option<Container>,
}

/// A server of ours.
#[derive(Debug)]
pub struct Node {
    pub url: Url,
    monitor_url: Url,
    pub process: Process,
    ports: Vec<Port>,
}

/// What differs between servers.
pub(super) struct Placement<'a> {
    pub(super) name: String,
    /// The `cluster` block of its configuration.
    pub(super) routes: Option<String>,
    /// Mounted at the directory of its streams.
    pub(super) disk: Option<&'a SmallDisk>,
}

impl Node {
    /// A server whose streams are below `data_directory`; it is not started yet.
    pub(super) fn new(
        programs: &Programs,
        data_directory: &Path,
        secret: &Secret,
        placement: &Placement<'_>,
    ) -> anyhow::Result<Self> {
        let Placement { name, routes, disk } = placement;
        let [port, monitor] = [Port::any()?, Port::any()?];
        let [listen, http] = [&port, &monitor].map(|port| format!("127.0.0.1:{}", port.number()));
        let url = Url::parse(&format!("nats://{listen}"))?;
        let monitor_url = Url::parse(&format!("http://{http}"))?;

        let store = data_directory.join(name);
        fs::create_dir_all(&store).with_context(|| format!("cannot create {}", store.display()))?;
        let configuration = store.with_extension("conf");
        let administrator = SecretString::from(secret.derive(ADMINISTRATOR));
        let text = configure(name, &listen, &http, &store, secret, Some(&administrator));
        write_private(&configuration, (text + routes.as_deref().unwrap_or_default()).as_bytes())?;

        let mut program = Program::new("nats-server", programs.nats_server.clone(), store.with_extension("log"))
            .arguments([Path::new("--config"), &configuration]);
        if let Some(disk) = disk {
            program.within = disk.enter()?;
        }
        let process = Process::new(program, Readiness::Http(monitor_url.join("healthz")?));
        Ok(Self { url, monitor_url, process, ports: vec![port, monitor] })
    }
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
            disk: None,
            cluster: None,
            _ports: Vec::new(),
            _container: None,
        })
    }

    /// A server that runs elsewhere, with [`configuration`] of the same secret.
    #[must_use]
    pub fn configured(url: Url, monitor_url: Option<Url>, secret: &Secret) -> Self {
        let logins = Logins::PerRole(secret.clone());
        Self {
            url,
            monitor_url,
            logins,
            process: None,
            disk: None,
            cluster: None,
            _ports: Vec::new(),
            _container: None,
        }
    }

    /// Starts the server whose streams are below `data_directory`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(servers: &Servers, data_directory: &Path, secret: &Secret) -> anyhow::Result<Self> {
        match servers {
            Servers::Programs(programs) => Self::start_on(programs, data_directory, secret, None).await,
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

    /// The same, with its streams on this disk, which is mounted at their directory.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_on(
        programs: &Programs,
        data_directory: &Path,
        secret: &Secret,
        disk: Option<SmallDisk>,
    ) -> anyhow::Result<Self> {
        let placement = Placement { name: ONLY.to_owned(), routes: None, disk: disk.as_ref() };
        let Node { url, monitor_url, process, ports } = Node::new(programs, data_directory, secret, &placement)?;
        process.start().await?;
        let elsewhere = Self::configured(url, Some(monitor_url), secret);
        Ok(Self { process: Some(process), disk, _ports: ports, ..elsewhere })
    }

    /// Starts a cluster whose streams are below `data_directory`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_cluster(programs: &Programs, data_directory: &Path, secret: &Secret) -> anyhow::Result<Self> {
        let cluster = Cluster::start(programs, data_directory, secret).await?;
        let first = cluster.nodes.first().context("a cluster has servers")?;
        let elsewhere = Self::configured(first.url.clone(), Some(first.monitor_url.clone()), secret);
        Ok(Self { cluster: Some(cluster), ..elsewhere })
    }

    /// Every server's address, as clients take them: with commas between them.
    #[must_use]
    pub fn servers(&self) -> String {
        let all = self.cluster.as_ref().map_or_else(|| vec![&self.url], |cluster| cluster.urls().collect());
        all.into_iter().map(Url::as_str).collect::<Vec<_>>().join(",")
    }

    /// The servers that are ours.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        let members = self.cluster.iter().flat_map(|cluster| &cluster.nodes).map(|node| &node.process);
        self.process.iter().chain(members)
    }

    /// Where the streams of a server of this stack are found from outside.
    ///
    /// # Errors
    /// When the disk is gone on which they were.
    pub fn store(&self, data_directory: &Path) -> anyhow::Result<PathBuf> {
        self.disk.as_ref().map_or_else(|| Ok(store(data_directory)), SmallDisk::path)
    }

    /// The login of a role.
    #[must_use]
    pub fn login(&self, role: Role) -> Login {
        match &self.logins {
            Logins::PerRole(secret) => Login { user: role.as_str().to_owned(), password: password(role, secret) },
            Logins::One(login) => login.clone(),
        }
    }

    /// JetStream, for who may do everything.
    ///
    /// # Errors
    /// When the server is out of reach.
    pub async fn administer(&self) -> anyhow::Result<jetstream::Context> {
        let Login { user, password } = match &self.logins {
            Logins::PerRole(secret) => Login { user: ADMINISTRATOR.to_owned(), password: secret.derive(ADMINISTRATOR) },
            Logins::One(login) => login.clone(),
        };
        let administrator = ConnectOptions::with_user_and_password(user, password)
            .connect(self.servers().split(',').collect::<Vec<_>>())
            .await?;
        Ok(jetstream::new(administrator))
    }
}

/// Where the server finds its streams.
pub(crate) fn store(data_directory: &Path) -> PathBuf {
    data_directory.join(ONLY)
}

fn password(role: Role, secret: &Secret) -> String {
    secret.derive(&format!("nats {role}"))
}

/// What a server runs with that listens at `listen`, and for its monitoring at `http`. JetStream acknowledges before it
/// syncs to disk, its default and production's: Postgres is the source of truth.
#[must_use]
pub fn configuration(listen: &str, http: &str, store: &Path, secret: &Secret) -> String {
    configure(ONLY, listen, http, store, secret, None)
}

fn configure(
    name: &str,
    listen: &str,
    http: &str,
    store: &Path,
    secret: &Secret,
    administrator: Option<&SecretString>,
) -> String {
    let users = Role::ALL.map(|role| (role, SecretString::from(password(role, secret))));
    format!(
        "server_name: {name}
listen: {listen:?}
http: {http:?}
jetstream {{ store_dir: {store:?}, max_memory_store: 64MB, max_file_store: 20GB }}
{users}",
        users = server_configuration(&users, administrator),
    )
}
