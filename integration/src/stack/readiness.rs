//! How to see from outside that a server or service answers.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use url::Url;

use crate::eventually::within;

#[derive(Debug, Clone)]
pub enum Readiness {
    /// Answers 200 to a GET.
    Http(Url),
    /// Takes a connection and a query.
    Postgres(Url),
    /// Answers PING.
    Redis(Url),
    /// Has made this file.
    File(PathBuf),
}

/// How long a server may take to start.
const START_PATIENCE: Duration = Duration::from_secs(60);

impl Readiness {
    /// Waits for it, a minute at most.
    ///
    /// # Errors
    /// Why it is not ready.
    pub async fn waited_for(&self, what: &str) -> anyhow::Result<()> {
        Box::pin(within(START_PATIENCE, what, || self.probe())).await
    }

    /// Looks once.
    ///
    /// # Errors
    /// Why it is not ready.
    pub async fn probe(&self) -> anyhow::Result<()> {
        match self {
            Self::Http(url) => {
                let status = status_line(url).await?;
                ensure!(status.starts_with("HTTP/1.1 200 "), "{url} answered {status}");
            }
            Self::File(path) => ensure!(path.exists(), "there is no {}", path.display()),
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url.as_str()).await?;
                connection.ping().await?;
                connection.close().await?;
            }
            Self::Redis(url) => {
                let mut stream = TcpStream::connect(url.socket_addrs(|| None)?.as_slice()).await?;
                stream.write_all(b"PING\r\n").await?;
                let mut answer = [0; 5];
                stream.read_exact(&mut answer).await?;
                ensure!(answer == *b"+PONG", "the answer to PING was {}", answer.escape_ascii());
            }
        }
        Ok(())
    }
}

/// The first line of the answer to a GET. By hand: a whole HTTP client reads the machine's certificates first, which takes
/// longer than what is waited for here.
async fn status_line(url: &Url) -> anyhow::Result<String> {
    let address = url.socket_addrs(|| None)?;
    let mut stream = BufReader::new(TcpStream::connect(address.as_slice()).await?);
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.path(), url.authority());
    stream.write_all(request.as_bytes()).await?;
    let mut status = String::new();
    stream.read_line(&mut status).await?;
    Ok(status.trim_end().to_owned())
}
