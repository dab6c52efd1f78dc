//! TCP ports of the loopback interface that nothing else of this machine will take meanwhile.
//!
//! A server that is killed and started again needs its port back. Ports of the system's ephemeral range are no good: while
//! the server is down an outgoing connection may be given its port, even a client's own attempt to reach it. So ports come
//! from below that range, and a lock file per port keeps concurrent tests apart for as long as the process lives.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, bail};

use crate::stack::workspace;

/// Below Linux's and macOS's ephemeral ranges, above the well-known services.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A port reserved until the value is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _reservation: File,
}

impl Port {
    /// Reserves any free port.
    ///
    /// # Errors
    /// When none is free or the reservations cannot be written.
    pub fn any() -> anyhow::Result<Self> {
        let start: u16 = rand::random_range(0..COUNT);
        for offset in 0..COUNT {
            if let Some(port) = Self::reserve(FIRST + (start + offset) % COUNT)? {
                return Ok(port);
            }
        }
        bail!("no port from {FIRST} to {} is free", FIRST + COUNT - 1)
    }

    /// Reserves this port, or any other when it is taken.
    ///
    /// # Errors
    /// As [`Port::any`].
    pub fn preferably(number: u16) -> anyhow::Result<Self> {
        Self::reserve(number)?.map_or_else(Self::any, Ok)
    }

    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    fn reserve(number: u16) -> anyhow::Result<Option<Self>> {
        let directory = workspace().join(".dev/ports");
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let reservation = File::create(directory.join(number.to_string())).context("cannot reserve a port")?;
        let ours = reservation.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(ours.then_some(Self { number, _reservation: reservation }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_not_given_twice() {
        let first = Port::any().unwrap();
        let second = Port::preferably(first.number()).unwrap();
        assert_ne!(first.number(), second.number());
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();
        assert_ne!(Port::preferably(taken).unwrap().number(), taken);
    }
}
