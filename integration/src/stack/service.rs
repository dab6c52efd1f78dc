//! One replica of a service: its own program, configured by the environment alone, as in its container.

use std::path::{Path, PathBuf};

use url::Url;

use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;

/// Which of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    Transaction,
    Notification,
}

impl ServiceKind {
    /// The name of the program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Transaction => "transaction-svc",
            Self::Notification => "notification-svc",
        }
    }

    /// The name of an environment variable, for a field such as `POSTGRES__URL`.
    fn variable(self, field: &str) -> String {
        let prefix = match self {
            Self::Transaction => "TRANSACTION_SVC",
            Self::Notification => "NOTIFICATION_SVC",
        };
        format!("{prefix}__{field}")
    }

    /// Where the first replica of a lasting platform listens when it can.
    #[must_use]
    pub const fn well_known_port(self) -> u16 {
        match self {
            Self::Transaction => 8080,
            Self::Notification => 8081,
        }
    }
}

/// Fields of a service's configuration, without its prefix.
pub type Settings = Vec<(String, String)>;

/// A replica of a service.
#[derive(Debug)]
pub struct Service {
    pub kind: ServiceKind,
    /// The public API.
    pub url: Url,
    /// Health and metrics.
    pub admin_url: Url,
    pub process: Process,
    _ports: [Port; 2],
}

impl Service {
    /// A replica that listens on `port` and does what these options of `serve` say; it is not started yet.
    ///
    /// # Errors
    /// When there is no port for its health and metrics.
    pub fn new(
        kind: ServiceKind,
        programs: &Path,
        log: PathBuf,
        port: Port,
        settings: &Settings,
        options: &[&str],
    ) -> anyhow::Result<Self> {
        let admin_port = Port::any()?;
        let listeners = vec![
            ("HTTP__LISTEN".to_owned(), format!("127.0.0.1:{}", port.number())),
            ("HTTP__ADMIN_LISTEN".to_owned(), format!("127.0.0.1:{}", admin_port.number())),
        ];
        let program = program(kind, "serve", programs, log, settings);
        let program = program.arguments(options).environment(variables(kind, &listeners));
        let url = Url::parse(&format!("http://127.0.0.1:{}", port.number()))?;
        let admin_url = Url::parse(&format!("http://127.0.0.1:{}", admin_port.number()))?;
        let readiness = Readiness::Http(admin_url.join("readyz")?);
        Ok(Self { kind, url, admin_url, process: Process::new(program, readiness), _ports: [port, admin_port] })
    }
}

impl Service {
    /// Where the notification service takes webhooks of the ledger.
    ///
    /// # Panics
    /// Never: every path can be joined to an HTTP address.
    #[must_use]
    pub fn webhook_url(&self) -> Url {
        self.url.join("v1/webhooks/transactions").expect("an HTTP address has a path")
    }
}

/// A subcommand of a service.
#[must_use]
pub fn program(kind: ServiceKind, subcommand: &str, programs: &Path, log: PathBuf, settings: &Settings) -> Program {
    let name = format!("{} {subcommand}", kind.program());
    Program::new(&name, programs.join(kind.program()), log)
        .arguments([subcommand])
        .environment(variables(kind, settings))
}

/// A service's settings as variables of the environment.
pub(super) fn variables(kind: ServiceKind, settings: &Settings) -> Vec<(String, String)> {
    settings.iter().map(|(field, value)| (kind.variable(field), value.clone())).collect()
}

/// Where cargo puts the programs of this workspace, as seen from one of them or from a test.
///
/// # Errors
/// When the running program's own path is unknown.
pub fn built_programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let directory = own.parent().unwrap_or(Path::new("."));
    // A test lies one folder deeper, in `deps`.
    let is_test = directory.file_name().is_some_and(|name| name == "deps");
    Ok(if is_test { directory.parent().unwrap_or(directory) } else { directory }.to_owned())
}
