//! A TCP proxy on the line between a replica and a server, and the weather on that line.
//!
//! It forwards bytes as they come, until it is told to do what networks do. It knows no protocol, so whatever it does to
//! a connection can happen to that connection in production.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
    try_join,
};

use crate::stack::ports::Port;

const CHUNK_BYTES: usize = 16 * 1024;

/// What happens to everything that is under way, or begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Clear,
    /// Connections are closed, and new ones closed at once.
    Cut,
    /// The server's end of each connection is gone, and nobody tells the client: it stays open, takes everything, and is
    /// silent for ever, also when the weather is clear again.
    HalfOpen,
    /// Nothing arrives. What was sent meanwhile arrives when it clears up.
    Stalled,
    /// Everything arrives so much later.
    Delayed(Duration),
    /// So much arrives in a second, in each direction.
    Throttled {
        bytes_per_second: u32,
    },
}

/// A line; it is cut when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    weather: watch::Sender<Weather>,
    server: watch::Sender<SocketAddr>,
    _lines: JoinSet<()>,
}

impl Proxy {
    /// A line to this server, in clear weather.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let port = Port::any()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).await?;
        let (weather, server) = (watch::Sender::new(Weather::Clear), watch::Sender::new(server));
        let mut lines = JoinSet::new();
        lines.spawn(accept(listener, server.subscribe(), weather.subscribe()));
        Ok(Self { port, weather, server, _lines: lines })
    }

    /// Where to connect instead of to the server.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Whoever connects from now on reaches this server, as when a name is given to another address.
    pub fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(server);
    }
}

async fn accept(listener: TcpListener, server: watch::Receiver<SocketAddr>, weather: watch::Receiver<Weather>) {
    let mut lines = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while lines.try_join_next().is_some() {}
        let (server, weather) = (*server.borrow(), weather.clone());
        // Whichever end breaks the connection, the other one sees that.
        lines.spawn(async move { carry(client, server, weather).await.unwrap_or_default() });
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, mut weather: watch::Receiver<Weather>) -> io::Result<()> {
    if *weather.borrow() == Weather::Cut {
        return Ok(());
    }
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (up, down) = (weather.clone(), weather.clone());
    let storm = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let storm = weather.wait_for(|weather| matches!(weather, Weather::Cut | Weather::HalfOpen));
        tokio::select! {
            carried = async { try_join!(forward(from_client, to_server, up), forward(from_server, to_client, down)) } => {
                return carried.map(drop);
            }
            storm = storm => storm.map(|weather| *weather),
        }
    };
    if let Ok(Weather::HalfOpen) = storm {
        drop(server);
        copy(&mut client, &mut sink()).await?;
    }
    Ok(())
}

async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let now = *weather.borrow();
        match now {
            Weather::Clear | Weather::Cut | Weather::HalfOpen => {}
            Weather::Stalled => drop(weather.wait_for(|weather| *weather != Weather::Stalled).await),
            Weather::Delayed(by) => sleep(by).await,
            Weather::Throttled { bytes_per_second } => {
                sleep(Duration::from_secs(1).mul_f64(length as f64 / f64::from(bytes_per_second))).await;
            }
        }
        to.write_all(&chunk[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    const SOON: Duration = Duration::from_millis(200);

    /// A server that says everything back, a line to it, and a client at the other end.
    async fn line() -> (JoinSet<()>, Proxy, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server = listener.local_addr().unwrap();
        let mut echoes = JoinSet::new();
        echoes.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut from, mut to) = connection.split();
                    copy(&mut from, &mut to).await.unwrap_or_default()
                });
            }
        });
        let proxy = Proxy::to(server).await.unwrap();
        let client = connect(&proxy).await;
        (echoes, proxy, client)
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap()
    }

    async fn echo(client: &mut TcpStream) -> io::Result<u8> {
        client.write_u8(7).await?;
        client.read_u8().await
    }

    #[tokio::test]
    async fn what_is_cut_is_closed_and_what_comes_afterwards_is_not() {
        let (_server, proxy, mut client) = line().await;
        assert_eq!(echo(&mut client).await.unwrap(), 7);
        proxy.becomes(Weather::Cut);
        assert!(echo(&mut client).await.is_err());
        assert!(echo(&mut connect(&proxy).await).await.is_err());
        proxy.becomes(Weather::Clear);
        assert_eq!(echo(&mut connect(&proxy).await).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_is_half_open_stays_silent_for_ever() {
        let (_server, proxy, mut client) = line().await;
        assert_eq!(echo(&mut client).await.unwrap(), 7);
        proxy.becomes(Weather::HalfOpen);
        assert!(timeout(SOON, echo(&mut client)).await.is_err(), "an answer, or an end");
        proxy.becomes(Weather::Clear);
        assert!(timeout(SOON, echo(&mut client)).await.is_err(), "an answer, or an end");
        assert_eq!(echo(&mut connect(&proxy).await).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_is_stalled_or_delayed_arrives_later() {
        let (_server, proxy, mut client) = line().await;
        proxy.becomes(Weather::Stalled);
        assert!(timeout(SOON, echo(&mut client)).await.is_err());
        proxy.becomes(Weather::Clear);
        assert_eq!(client.read_u8().await.unwrap(), 7);
        for slow in [Weather::Delayed(SOON / 2), Weather::Throttled { bytes_per_second: 10 }] {
            proxy.becomes(slow);
            let asked = Instant::now();
            assert_eq!(echo(&mut client).await.unwrap(), 7);
            assert!(asked.elapsed() >= SOON, "{slow:?}: once each way");
        }
    }
}
