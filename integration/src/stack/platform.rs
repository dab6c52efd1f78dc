//! The whole platform, ready to be used: replicas of both services on servers of their own.
//!
//! `Platform::start()` is what most tests call: a database cloned from the template, a NATS of its own, both services, and
//! nothing left of any of it afterwards. `platform run` builds the same thing on a lasting data directory.

use std::path::PathBuf;
use std::thread;

use futures_util::future::{join_all, try_join_all};
use sqlx::PgPool;

use crate::stack::backing::Backing;
use crate::stack::lines::{self, Line};
use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::service::{self, Service, ServiceKind, Settings, built_programs};
use crate::stack::settings;

/// A running platform. Fields are dropped in this order: the services before what they stand on.
#[derive(Debug)]
pub struct Platform {
    pub transaction_svc: Vec<Service>,
    pub notification_svc: Vec<Service>,
    /// Between the services and what they stand on; none unless the layout asks for them.
    pub lines: Vec<Line>,
    pub backing: Backing,
}

/// How the services are to run.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Of each service.
    pub replicas: usize,
    /// What each process of the ledger does, such as `api` or `relay,deliver`; empty: `replicas` of them do everything.
    pub roles: Vec<&'static str>,
    /// The directory of the services' programs; `None`: those built along with the running program.
    pub programs: Option<PathBuf>,
    /// Whether the first replicas listen on 8080 and 8081 when these are free.
    pub well_known_ports: bool,
    /// Whether the ledger sends events to the notification service by webhook, too.
    pub push: bool,
    /// Whether there is a proxy between each replica and each server.
    pub lines: bool,
    /// Fields of `serve`'s configuration, such as `(Transaction, "POSTGRES__MAX_CONNECTIONS", "4")`.
    pub settings: Vec<(ServiceKind, &'static str, String)>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            replicas: 1,
            roles: Vec::new(),
            programs: None,
            well_known_ports: false,
            push: true,
            lines: false,
            settings: Vec::new(),
        }
    }
}

impl Platform {
    /// One replica of each service, on a clone of the template database.
    ///
    /// # Errors
    /// When something does not start, or there is no shared Postgres (`platform servers` provides it).
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(Backing::cloned().await?, &Layout::default()).await
    }

    /// Migrates, and starts the services.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start_on(backing: Backing, layout: &Layout) -> anyhow::Result<Self> {
        migrate(&backing, layout).await?;
        // Each service is told where the other one is, so their places are known before either is made.
        let ports = ports(ServiceKind::Transaction, layout)?;
        let ledger = settings::ledger(&format!("http://127.0.0.1:{}", ports.first().map_or(0, Port::number)));
        let inbox_ports = self::ports(ServiceKind::Notification, layout)?;
        let mut lines = Vec::new();
        let notification_svc =
            replicas(ServiceKind::Notification, &backing, layout, inbox_ports, ledger, &mut lines).await?;
        let receiver = notification_svc.first().filter(|_| layout.push).map(Service::webhook_url);
        let receiver = receiver.map(|receiver| settings::own_endpoint(&backing, &receiver)).unwrap_or_default();
        let transaction_svc = replicas(ServiceKind::Transaction, &backing, layout, ports, receiver, &mut lines).await?;
        let platform = Self { transaction_svc, notification_svc, lines, backing };
        try_join_all(platform.services().map(|service| service.process.start())).await?;
        Ok(platform)
    }

    /// Connections to the platform's database as superuser, who sees both schemas.
    ///
    /// # Errors
    /// When Postgres is out of reach.
    pub async fn pool(&self) -> sqlx::Result<PgPool> {
        PgPool::connect(self.backing.database.admin().as_str()).await
    }

    /// A token of a user's app.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn user_token(&self, user: &str) -> anyhow::Result<String> {
        self.backing.issuer.user_token(user)
    }

    /// A token of the back office.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn service_token(&self) -> anyhow::Result<String> {
        self.backing.issuer.service_token()
    }

    /// A token of an operator.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn operator_token(&self) -> anyhow::Result<String> {
        self.backing.issuer.operator_token()
    }

    /// The replicas of both services.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.transaction_svc.iter().chain(&self.notification_svc)
    }

    /// Every process of ours.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.backing.processes().chain(self.services().map(|service| &service.process))
    }

    /// Ends everything in good order: the services first, while what they need to finish still answers.
    ///
    /// # Errors
    /// What had to be killed.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let services = join_all(self.services().map(|service| service.process.stop())).await;
        let servers = join_all(self.backing.processes().map(Process::stop)).await;
        services.into_iter().chain(servers).collect()
    }
}

/// Migrates both schemas, and declares streams and consumers.
///
/// # Errors
/// When a migration fails.
pub async fn migrate(backing: &Backing, layout: &Layout) -> anyhow::Result<()> {
    for kind in [ServiceKind::Transaction, ServiceKind::Notification] {
        let log = backing.directory.path().join(format!("{}-migrate.log", kind.program()));
        let settings = settings::migrate(kind, backing);
        service::program(kind, "migrate", &programs(layout)?, log, &settings).run().await?;
    }
    Ok(())
}

/// What each replica is told to do, by options of `serve`.
fn options(kind: ServiceKind, layout: &Layout) -> Vec<Vec<&'static str>> {
    match (kind, &layout.roles[..]) {
        (ServiceKind::Transaction, roles @ [_, ..]) => roles.iter().map(|roles| vec!["--roles", *roles]).collect(),
        _ => vec![Vec::new(); layout.replicas],
    }
}

/// Where each replica listens.
fn ports(kind: ServiceKind, layout: &Layout) -> anyhow::Result<Vec<Port>> {
    let port = |number| match number {
        0 if layout.well_known_ports => Port::preferably(kind.well_known_port()),
        _ => Port::any(),
    };
    (0..options(kind, layout).len()).map(port).collect()
}

/// With `other`, what they have to know of the other service.
async fn replicas(
    kind: ServiceKind,
    backing: &Backing,
    layout: &Layout,
    ports: Vec<Port>,
    other: Settings,
    lines: &mut Vec<Line>,
) -> anyhow::Result<Vec<Service>> {
    let mut settings = settings::serve(kind, backing);
    settings.extend(other);
    let ours = layout.settings.iter().filter(|(of, _, _)| *of == kind);
    settings.extend(ours.map(|(_, field, value)| ((*field).to_owned(), value.clone())));
    let mut replicas = Vec::new();
    for (number, (options, port)) in options(kind, layout).iter().zip(ports).enumerate() {
        let mut settings = settings.clone();
        let name = format!("{}-{number}", kind.program());
        if layout.lines {
            lines.extend(lines::lay(&name, &mut settings).await?);
        }
        let log = backing.directory.path().join(format!("{name}.log"));
        replicas.push(Service::new(kind, &programs(layout)?, log, port, &settings, options)?);
    }
    Ok(replicas)
}

fn programs(layout: &Layout) -> anyhow::Result<PathBuf> {
    layout.programs.clone().map_or_else(built_programs, Ok)
}

impl Drop for Platform {
    /// A failing test shows what its processes said last.
    #[expect(clippy::print_stderr, reason = "tests capture it and show it on failure")]
    fn drop(&mut self) {
        if thread::panicking() {
            for process in self.processes() {
                eprintln!("--- the last words of {}:\n{}", process.name(), process.last_words());
            }
        }
    }
}
