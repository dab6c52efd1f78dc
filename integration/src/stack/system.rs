//! The servers' programs as this machine has them: on the path, and Postgres also where Debian puts it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::search_path;
use crate::stack::servers::Programs;

/// Debian keeps each version of Postgres in a directory of its own, off the path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// # Errors
/// What is missing, by name.
pub(super) fn find() -> anyhow::Result<Programs> {
    let on_path = |name: &str| search_path().map(|directory| directory.join(name)).find(|program| program.is_file());
    let redis = on_path("valkey-server").or_else(|| on_path("redis-server"));
    let postgres = on_path("initdb").as_deref().and_then(Path::parent).map(Path::to_owned).or_else(newest_of_debian);
    Ok(Programs {
        nats_server: on_path("nats-server").context("there is no nats-server on the path")?,
        redis_server: redis.context("there is neither valkey-server nor redis-server on the path")?,
        postgres_programs: postgres.with_context(|| format!("there is no initdb on the path nor below {DEBIAN}"))?,
    })
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).ok()?.flatten();
    let version = |name: &str| name.parse::<u32>().ok();
    let newest = versions.filter_map(|entry| version(entry.file_name().to_str()?)).max()?;
    let programs = Path::new(DEBIAN).join(newest.to_string()).join("bin");
    programs.join("initdb").is_file().then_some(programs)
}
