//! Where a stack keeps its data: a directory that stays, or a scratch one that goes. Each belongs to one stack at a time,
//! by a lock that the operating system takes back even from a killed process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::stack::workspace;

const LOCK: &str = "lock";

#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    scratch: Option<TempDir>,
    _lock: File,
}

impl DataDirectory {
    /// The directory at `path`, created if need be.
    ///
    /// # Errors
    /// When another stack runs on it.
    pub fn keep(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        let path = path.canonicalize()?;
        let lock = File::create(path.join(LOCK))?;
        if lock.try_lock().is_err() {
            bail!("another platform runs on {}: stop it, or name another directory with --data-dir", path.display());
        }
        Ok(Self { path, scratch: None, _lock: lock })
    }

    /// A new directory that is removed with the value. Those that killed processes left behind go now.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn scratch() -> anyhow::Result<Self> {
        let parent = workspace().join(".dev/scratch");
        fs::create_dir_all(&parent).with_context(|| format!("cannot create {}", parent.display()))?;
        sweep(&parent)?;
        let directory = TempDir::new_in(&parent).context("cannot create a scratch directory")?;
        let path = directory.path().canonicalize()?;
        // Locked before it gets the name that a sweep looks for.
        let unlocked = path.join("unlocked");
        let lock = File::create(&unlocked)?;
        lock.try_lock()?;
        fs::rename(unlocked, path.join(LOCK))?;
        Ok(Self { path, scratch: Some(directory), _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        if self.scratch.is_some() {
            remove(&self.path);
        }
    }
}

/// Removes the scratch directories whose owners are gone.
fn sweep(parent: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        let lock = File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            remove(&entry.path());
        }
    }
    Ok(())
}

/// Removes a data directory, with what root keeps elsewhere for Postgres's user. What cannot be removed now is for the next
/// sweep.
pub fn remove(directory: &Path) {
    if let Ok(elsewhere) = fs::read_link(directory.join("postgres")) {
        drop(fs::remove_dir_all(elsewhere));
    }
    drop(fs::remove_dir_all(directory));
}
