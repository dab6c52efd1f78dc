//! The lines between one replica and its servers, each through a proxy of its own: what is done to one of them, the other
//! replicas do not notice.

use std::fmt;
use std::net::SocketAddr;

use anyhow::Context;
use url::Url;

use crate::fault::proxy::Proxy;
use crate::stack::service::Settings;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    Postgres,
    Nats,
    Redis,
}

impl Server {
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Nats, Self::Redis];
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::Nats => "nats",
            Self::Redis => "redis",
        })
    }
}

/// A replica's way to a server.
#[derive(Debug)]
pub struct Line {
    pub replica: String,
    pub server: Server,
    /// Where it leads.
    pub to: SocketAddr,
    pub proxy: Proxy,
}

/// Has every server that these settings name reached through a line.
pub(super) async fn lay(replica: &str, settings: &mut Settings) -> anyhow::Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    for (_, value) in settings {
        let Ok(mut urls) = value.split(',').map(Url::parse).collect::<Result<Vec<_>, _>>() else { continue };
        let server = |url: &Url| Server::ALL.into_iter().find(|server| server.to_string() == url.scheme());
        let Some(server) = urls.first().and_then(server) else { continue };
        for url in &mut urls {
            let to = *url.socket_addrs(|| None)?.first().context("a server has an address")?;
            let port = match lines.iter().find(|line| line.to == to) {
                Some(line) => line.proxy.port(),
                None => {
                    let proxy = Proxy::to(to).await?;
                    let port = proxy.port();
                    lines.push(Line { replica: replica.to_owned(), server, to, proxy });
                    port
                }
            };
            url.set_port(Some(port)).map_err(|()| anyhow::anyhow!("a server's address has a port"))?;
        }
        *value = urls.iter().map(Url::as_str).collect::<Vec<_>>().join(",");
    }
    Ok(lines)
}
