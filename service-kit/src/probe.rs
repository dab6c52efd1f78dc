//! Asking a service on this machine whether it is ready: the health check of a container whose image has no shell.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// Of connecting, and of each read and write.
const TIMEOUT: Duration = Duration::from_secs(2);
const LONGEST_ANSWER_BYTES: u64 = 64 * 1024;

/// Why a service counts as not ready.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("nothing answers at {0}")]
    Silent(SocketAddr, #[source] io::Error),
    #[error("not ready: {0}")]
    NotReady(String),
}

/// Asks the service whose admin port listens there.
///
/// # Errors
/// [`ProbeError`]
pub fn readiness(admin_listen: SocketAddr) -> Result<(), ProbeError> {
    let address = reachable(admin_listen);
    let answer = ask(address).map_err(|error| ProbeError::Silent(address, error))?;
    let is_ready = answer.split(' ').nth(1) == Some("200");
    if is_ready { Ok(()) } else { Err(ProbeError::NotReady(answer)) }
}

/// Who listens everywhere is reached on the loopback interface.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let loopback = match listen {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    if listen.ip().is_unspecified() { SocketAddr::new(loopback, listen.port()) } else { listen }
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /readyz?verbose HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
