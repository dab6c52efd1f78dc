//! Three nats-servers that keep each stream three times, as in production. Each reaches the others over lines of its own,
//! so that one of them can be partitioned away.

use std::path::Path;

use anyhow::Context;
use futures_util::future::try_join_all;
use url::Url;

use crate::fault::proxy::{Proxy, Weather};
use crate::stack::nats::{Node, Placement};
use crate::stack::ports::Port;
use crate::stack::secret::Secret;
use crate::stack::servers::Programs;

/// As many as there are copies of a stream.
pub const SERVERS: usize = 3;

#[derive(Debug)]
pub struct Cluster {
    pub nodes: Vec<Node>,
    routes: Vec<Route>,
    _ports: Vec<Port>,
}

/// The way on which one server connects to another.
#[derive(Debug)]
struct Route {
    from: usize,
    to: usize,
    proxy: Proxy,
}

impl Cluster {
    /// Starts the servers, whose streams are below `data_directory`.
    ///
    /// # Errors
    /// When one of them does not start.
    pub async fn start(programs: &Programs, data_directory: &Path, secret: &Secret) -> anyhow::Result<Self> {
        let ports: Vec<Port> = (0..SERVERS).map(|_| Port::any()).collect::<Result<_, _>>()?;
        let mut routes = Vec::new();
        for (from, (to, port)) in (0..SERVERS).flat_map(|from| ports.iter().enumerate().map(move |to| (from, to))) {
            if from != to {
                routes.push(Route { from, to, proxy: Proxy::to(([127, 0, 0, 1], port.number()).into()).await? });
            }
        }
        let mut nodes = Vec::new();
        for (number, port) in ports.iter().enumerate() {
            let own = routes.iter().filter(|route| route.from == number).map(|route| route.proxy.port());
            let placement = Placement { name: name(number), routes: Some(routing(port.number(), own)), disk: None };
            nodes.push(Node::new(programs, data_directory, secret, &placement)?);
        }
        try_join_all(nodes.iter().map(|node| node.process.start())).await?;
        Ok(Self { nodes, routes, _ports: ports })
    }

    /// The server of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(&self, wanted: &str) -> anyhow::Result<&Node> {
        let number = (0..self.nodes.len()).find(|number| name(*number) == wanted);
        number.map(|number| &self.nodes[number]).with_context(|| format!("there is no server {wanted}"))
    }

    /// What happens from now on between one server and the others, in both directions.
    pub fn between(&self, node: usize, weather: Weather) {
        let touched = self.routes.iter().filter(|route| route.from == node || route.to == node);
        touched.for_each(|route| route.proxy.becomes(weather));
    }

    /// Where clients find it.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        self.nodes.iter().map(|node| &node.url)
    }
}

fn name(number: usize) -> String {
    format!("nats-{number}")
}

/// Servers tell each other of servers: what they say leads nowhere, so that they connect over their lines alone.
fn routing(port: u16, lines: impl Iterator<Item = u16>) -> String {
    let routes: Vec<_> = lines.map(|line| format!("nats-route://127.0.0.1:{line}")).collect();
    format!(
        "cluster {{
  name: platform
  listen: \"127.0.0.1:{port}\"
  advertise: \"127.0.0.1:1\"
  no_advertise: true
  routes: {routes:?}
}}
"
    )
}
