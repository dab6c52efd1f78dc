//! Signals by process id: sudden death, a freeze, and its end.

use std::io;

use rustix::process::{Pid, Signal, kill_process};

/// `kill -9`: the process ends at once and cleans nothing up.
///
/// # Errors
/// When there is no such process.
pub fn kill(pid: u32) -> io::Result<()> {
    send(pid, Signal::KILL)
}

/// `SIGSTOP`: the process keeps its sockets, locks and leases, and does nothing.
///
/// # Errors
/// When there is no such process.
pub fn freeze(pid: u32) -> io::Result<()> {
    send(pid, Signal::STOP)
}

/// `SIGCONT`: the frozen process goes on, believing that no time has passed.
///
/// # Errors
/// When there is no such process.
pub fn thaw(pid: u32) -> io::Result<()> {
    send(pid, Signal::CONT)
}

/// `SIGTERM`: the process is asked to finish what it has in hand and end.
///
/// # Errors
/// When there is no such process.
pub fn terminate(pid: u32) -> io::Result<()> {
    send(pid, Signal::TERM)
}

/// Sends any signal.
///
/// # Errors
/// When there is no such process.
pub fn send(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    kill_process(pid, signal)?;
    Ok(())
}
