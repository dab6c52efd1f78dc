//! Where the servers come from that the stack starts: pinned wheels, programs of this machine, or container images. The
//! environment says which (`PLATFORM_SERVERS`).

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::config::{Images, ServerSource};
use crate::stack::docker::Containers;
use crate::stack::{system, wheels};

#[derive(Debug, Clone)]
pub enum Servers {
    Programs(Programs),
    Containers(Containers),
}

/// Where the servers' programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    pub nats_server: PathBuf,
    /// Valkey's or Redis's.
    pub redis_server: PathBuf,
    /// The directory of `postgres`, `initdb`, `pgbench` …
    pub postgres_programs: PathBuf,
}

impl Servers {
    /// As the environment says.
    ///
    /// # Errors
    /// What is missing on this machine, in one sentence.
    pub async fn locate() -> anyhow::Result<Self> {
        Ok(match ServerSource::from_environment()? {
            ServerSource::Wheels => Self::Programs(wheels::install().await?),
            ServerSource::System => Self::Programs(system::find()?),
            ServerSource::Docker => Self::Containers(Containers::of(Images::from_environment()?)),
        })
    }

    /// Containers keep their data in volumes that belong to this directory; programs keep it in the directory anyway.
    #[must_use]
    pub fn lasting_with(self, directory: &Path) -> Self {
        match self {
            Self::Containers(containers) => Self::Containers(containers.lasting_with(directory)),
            programs @ Self::Programs(_) => programs,
        }
    }

    /// For what needs to run the programs themselves.
    ///
    /// # Errors
    /// When the servers are containers.
    pub fn programs(self) -> anyhow::Result<Programs> {
        match self {
            Self::Programs(programs) => Ok(programs),
            Self::Containers(_) => bail!("this needs the servers' programs, and they are containers"),
        }
    }
}
