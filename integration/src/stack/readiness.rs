//! How to see from outside that a server or service answers.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::ensure;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

#[derive(Debug, Clone)]
pub enum Readiness {
    /// Answers 200 to a GET.
    Http { url: Url, client: reqwest::Client },
    /// Takes a connection and a query.
    Postgres(Url),
    /// Answers PING at this port.
    Redis(u16),
}

impl Readiness {
    #[must_use]
    pub fn http(url: Url) -> Self {
        Self::Http { url, client: reqwest::Client::new() }
    }

    /// Looks once.
    ///
    /// # Errors
    /// Why it is not ready.
    pub async fn probe(&self) -> anyhow::Result<()> {
        match self {
            Self::Http { url, client } => {
                let answer = client.get(url.clone()).timeout(Duration::from_secs(5)).send().await?;
                ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url.as_str()).await?;
                connection.ping().await?;
                connection.close().await?;
            }
            Self::Redis(port) => {
                let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?;
                stream.write_all(b"PING\r\n").await?;
                let mut answer = [0; 5];
                stream.read_exact(&mut answer).await?;
                ensure!(answer == *b"+PONG", "the answer to PING was {}", answer.escape_ascii());
            }
        }
        Ok(())
    }
}
