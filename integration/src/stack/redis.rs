//! The Redis of the stack (Valkey): a cache and sessions, nothing about money.

use std::path::Path;

use url::Url;

use crate::stack::docker::Container;
use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;
use crate::stack::servers::Servers;

/// Sessions must not be evicted silently, and a cache may be lost: memory only, bounded, and full is an error.
pub const SETTINGS: [&str; 8] =
    ["--save", "", "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction"];

/// A Redis server: ours to start and kill, or one that runs elsewhere.
#[derive(Debug)]
pub struct Redis {
    pub url: Url,
    /// `None` when it is not ours, or in a container.
    pub process: Option<Process>,
    _port: Option<Port>,
    _container: Option<Container>,
}

impl Redis {
    /// A server that runs already.
    #[must_use]
    pub const fn elsewhere(url: Url) -> Self {
        Self { url, process: None, _port: None, _container: None }
    }

    /// Starts an empty server.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(servers: &Servers, data_directory: &Path) -> anyhow::Result<Self> {
        match servers {
            Servers::Programs(programs) => Self::start_program(&programs.redis_server, data_directory).await,
            Servers::Containers(containers) => {
                let container = containers.redis(&SETTINGS).await?;
                let (host, port) = container.published(6379).await?;
                let url = Url::parse(&format!("redis://{host}:{port}"))?;
                Readiness::Redis(url.clone()).waited_for("Redis in its container").await?;
                Ok(Self { _container: Some(container), ..Self::elsewhere(url) })
            }
        }
    }

    async fn start_program(program: &Path, data_directory: &Path) -> anyhow::Result<Self> {
        let port = Port::any()?;
        let url = Url::parse(&format!("redis://127.0.0.1:{}", port.number()))?;
        let program = Program::new("redis-server", program.to_owned(), data_directory.join("redis.log"))
            .arguments(["--bind".to_owned(), "127.0.0.1".to_owned(), "--port".to_owned(), port.number().to_string()])
            .arguments(SETTINGS);
        let process = Process::new(program, Readiness::Redis(url.clone()));
        process.start().await?;
        Ok(Self { process: Some(process), _port: Some(port), ..Self::elsewhere(url) })
    }
}
