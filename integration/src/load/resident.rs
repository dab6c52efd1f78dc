//! Resident memory of a process, as Linux shows it.

use anyhow::Context;

/// Of the process with this id, in bytes.
///
/// # Errors
/// When it has ended, or this is no Linux.
pub fn bytes(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("memory is read as Linux shows it")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}
