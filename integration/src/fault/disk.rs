//! A small disk for one server, to be filled up: a tmpfs in a mount namespace, which takes no root where users may have
//! namespaces of their own. The disk lasts as long as the process that holds the namespace.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use rustix::process::geteuid;
use tokio::task::spawn_blocking;

use crate::stack::{process::Process, program::Program, readiness::Readiness};

/// Makes the disk, says so, and stays.
const HOLD: &str = r#"mount -t tmpfs -o "size=$1" none "$0" && touch "$2" && exec sleep infinity"#;
const FILLER: &str = "filler";

/// A disk that only those see who [`SmallDisk::enter`] it.
#[derive(Debug)]
pub struct SmallDisk {
    holder: Process,
    mounted_at: PathBuf,
}

impl SmallDisk {
    /// A disk of so many mebibytes at this directory, which exists.
    ///
    /// # Errors
    /// Where mounts need more rights than we have.
    pub async fn mount(at: &Path, mebibytes: u32) -> anyhow::Result<Self> {
        let ready = at.with_extension("mounted");
        if ready.exists() {
            fs::remove_file(&ready)?;
        }
        let namespaces = if geteuid().is_root() { "--mount" } else { "-Urm" };
        let size = format!("{mebibytes}m");
        let holder = Program::new("the holder of a small disk", "unshare".into(), at.with_extension("mount.log"))
            .arguments([namespaces, "sh", "-c", HOLD])
            .arguments([at.as_os_str(), size.as_ref(), ready.as_os_str()]);
        let holder = Process::new(holder, Readiness::File(ready));
        holder.start().await.context("no disk can be mounted on this machine")?;
        Ok(Self { holder, mounted_at: at.to_owned() })
    }

    /// How a program gets to see it.
    ///
    /// # Errors
    /// When the disk is gone.
    pub fn enter(&self) -> anyhow::Result<Vec<OsString>> {
        let target = format!("--target={}", self.pid()?);
        let ours: &[&str] = if geteuid().is_root() { &[] } else { &["--user", "--preserve-credentials"] };
        let words = ["nsenter", &target, "--mount"].into_iter().chain(ours.iter().copied());
        Ok(words.map(OsString::from).collect())
    }

    /// The directory as it is seen from outside.
    ///
    /// # Errors
    /// When the disk is gone.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()?));
        Ok(root.join(self.mounted_at.strip_prefix("/")?))
    }

    /// Leaves no room on it.
    ///
    /// # Errors
    /// Those of the file system, but for the one that is wanted.
    pub async fn fill(&self) -> anyhow::Result<()> {
        let filler = self.path()?.join(FILLER);
        // Lines and clients live in this process, and must not wait for it.
        spawn_blocking(move || fill(&filler)).await?
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn clear(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.path()?.join(FILLER))?)
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.holder.pid().context("the disk is gone")
    }
}

fn fill(filler: &Path) -> anyhow::Result<()> {
    let mut filler = OpenOptions::new().create(true).append(true).open(filler)?;
    let full = loop {
        if let Err(error) = filler.write_all(&[0; 4096]) {
            break error;
        }
    };
    ensure!(full.kind() == io::ErrorKind::StorageFull, "the disk cannot be filled: {full}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_disk_takes_no_more_until_it_is_cleared() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("disk");
        fs::create_dir(&at).unwrap();
        let disk = match SmallDisk::mount(&at, 1).await {
            Ok(disk) => disk,
            Err(error) => return println!("not tested here: {error:#}"),
        };
        let file = disk.path().unwrap().join("something");
        disk.fill().await.unwrap();
        assert_eq!(fs::write(&file, [0; 8192]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.clear().unwrap();
        fs::write(&file, [0; 8192]).unwrap();
        assert_eq!(fs::read_dir(&at).unwrap().count(), 0, "nobody else sees it");
    }
}
