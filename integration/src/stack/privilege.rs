//! Postgres refuses to run as root. When we are root, it runs as `nobody`, and what it reads lies where that user can go.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// What an ordinary user can reach on behalf of root, whose own home it cannot.
const REACHABLE: &str = "/var/lib/fintech-platform-dev";
/// `nobody`; by number, as not every image names it.
const NOBODY: User = User { uid: 65_534, gid: 65_534 };

#[derive(Debug, Clone, Copy)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// Whom Postgres runs as: `None` is ourselves.
#[must_use]
pub fn database_user() -> Option<User> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

/// Where the servers' programs are unpacked: in `.dev`, or, for root, where `nobody` can run them.
#[must_use]
pub fn servers_directory(workspace: &Path) -> PathBuf {
    match database_user() {
        None => workspace.join(".dev/servers"),
        Some(_) => Path::new(REACHABLE).join("servers"),
    }
}

/// A directory at `path` that only Postgres's user may enter. For root, `path` becomes a link to it.
///
/// # Errors
/// When it cannot be created, or something else is at `path`.
pub fn private_directory(path: &Path) -> anyhow::Result<PathBuf> {
    let directory = match database_user() {
        None => path.to_owned(),
        Some(_) => linked_directory(path)?,
    };
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
    if let Some(user) = database_user() {
        chown(&directory, Some(user.uid), Some(user.gid))?;
    }
    Ok(directory)
}

fn linked_directory(link: &Path) -> anyhow::Result<PathBuf> {
    let parent = link.parent().context("a directory of the stack has a parent")?.canonicalize()?;
    let name = link.file_name().context("a directory of the stack has a name")?;
    let digest = Sha256::digest(parent.join(name).as_os_str().as_encoded_bytes());
    let directory = Path::new(REACHABLE).join(&hex::encode(digest)[..16]);
    match fs::read_link(link) {
        Ok(target) if target == directory => {}
        Ok(target) => bail!("{} leads to {}, not to {}", link.display(), target.display(), directory.display()),
        Err(_) => {
            // Without its link it belonged to a data directory that somebody has removed.
            if directory.exists() {
                fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))?;
            }
            symlink(&directory, link).with_context(|| format!("cannot create {}", link.display()))?;
        }
    }
    Ok(directory)
}
