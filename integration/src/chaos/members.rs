//! Faults of servers that stand in for each other.

use std::time::Duration;

use anyhow::Context;
use messaging::topology::TRANSACTIONS;
use tokio::time::sleep;

use super::{arena::Arena, strike::PATIENCE};
use crate::{
    eventually::within,
    fault::{kind::Rank, proxy::Weather},
    stack::{cluster::Cluster, process::Process, standby::Pair},
};

impl Arena {
    pub(super) fn pair(&self) -> anyhow::Result<&Pair> {
        self.platform.backing.postgres.pair.as_deref().context("Postgres has no standby")
    }

    fn cluster(&self) -> anyhow::Result<&Cluster> {
        self.platform.backing.nats.cluster.as_ref().context("NATS is no cluster")
    }

    /// The server that leads the stream of events, or the first of those that follow it.
    pub(super) async fn keeper(&self, rank: Rank) -> anyhow::Result<&Process> {
        let name = within(PATIENCE, "the stream has a leader", async || {
            let stream = self.platform.backing.nats.administer().await?.get_stream(TRANSACTIONS).await?;
            let group = stream.cached_info().cluster.as_ref().context("the stream is kept by one server")?;
            let follower = group.replicas.first().map(|follower| follower.name.clone());
            let name = if rank == Rank::Leader { group.leader.clone() } else { follower };
            name.context("nobody has this place")
        })
        .await?;
        Ok(&self.cluster()?.named(&name)?.process)
    }

    /// What is sent meanwhile is lost, or arrives when it is over.
    pub(super) async fn set_apart(&self, lasts: Duration, choice: u32) -> anyhow::Result<()> {
        let cluster = self.cluster()?;
        let node = choice as usize % cluster.nodes.len();
        let address = cluster.nodes[node].url.socket_addrs(|| None)?;
        let weather = if choice & 1 == 0 { Weather::Cut } else { Weather::Stalled };
        for weather in [weather, Weather::Clear] {
            cluster.between(node, weather);
            let lines = self.platform.lines.iter().filter(|line| address.contains(&line.to));
            lines.for_each(|line| line.proxy.becomes(weather));
            if weather != Weather::Clear {
                sleep(lasts).await;
            }
        }
        Ok(())
    }

    pub(super) async fn lose_primary(&self, alone: Duration) -> anyhow::Result<()> {
        let pair = self.pair()?;
        pair.fail_over().await?;
        sleep(alone).await;
        pair.make_standby().await
    }
}
