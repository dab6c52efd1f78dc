//! The Redis of the stack (Valkey): a cache and sessions, nothing about money.

use std::path::Path;

use url::Url;

use crate::stack::ports::Port;
use crate::stack::process::Process;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;
use crate::stack::wheels::Servers;

/// Sessions must not be evicted silently, and a cache may be lost: memory only, bounded, and full is an error.
const SETTINGS: [&str; 10] = [
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxmemory",
    "256mb",
    "--maxmemory-policy",
    "noeviction",
];

/// A Redis server: ours to start and kill, or one that runs elsewhere.
#[derive(Debug)]
pub struct Redis {
    pub url: Url,
    pub process: Option<Process>,
    _port: Option<Port>,
}

impl Redis {
    /// A server that runs already.
    #[must_use]
    pub const fn elsewhere(url: Url) -> Self {
        Self { url, process: None, _port: None }
    }

    /// Starts an empty server.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(servers: &Servers, data_directory: &Path) -> anyhow::Result<Self> {
        let port = Port::any()?;
        let url = Url::parse(&format!("redis://127.0.0.1:{}", port.number()))?;
        let program = Program::new("valkey-server", servers.valkey_server.clone(), data_directory.join("redis.log"))
            .arguments(["--port".to_owned(), port.number().to_string()])
            .arguments(SETTINGS);
        let process = Process::new(program, Readiness::Redis(port.number()));
        process.start().await?;
        Ok(Self { url, process: Some(process), _port: Some(port) })
    }
}
