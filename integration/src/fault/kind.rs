//! What may go wrong, and how it is done to what.

use std::{fmt, time::Duration};

use clap::ValueEnum;

use super::proxy::Weather;
use crate::{
    receivers::Manner,
    stack::{lines::Server, service::ServiceKind},
};

/// What the services stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topology {
    /// One Postgres and one NATS
    Simple,
    /// A primary with a synchronous standby, and three NATS servers with three copies of each stream
    Ha,
}

/// Of the servers that keep a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    Leader,
    Follower,
}

/// Which process something is done to; of a service, one of its replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Victim {
    Service(ServiceKind),
    Server(Server),
}

/// What may happen on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    Cut,
    HalfOpen,
    Stalled,
    Delayed,
    Throttled,
}

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// SIGKILL, and started again afterwards.
    Killed(Victim),
    /// SIGSTOP, and SIGCONT afterwards.
    Frozen(Victim),
    /// Of one replica, or of all.
    Line(Server, Trouble),
    /// The leader of the relay loses its lease without hearing of it.
    LeaseStolen,
    /// The stream of events is deleted, and made anew afterwards.
    StreamDeleted,
    /// NATS goes on with an older copy of what it had.
    StoreRestored,
    /// The disk that NATS keeps its streams on has no room left.
    DiskFull,
    /// One of the servers that keep the stream of events is killed.
    KeeperKilled(Rank),
    /// One of them reaches none of the others, and no client reaches it.
    KeeperApart,
    /// The primary database is lost, and its standby takes its place.
    PrimaryLost,
    /// The standby is killed, and commits wait for it.
    StandbyKilled,
    /// One replica's clock is off, by less than tokens allow.
    ClockOff(ServiceKind),
    /// A receiver of webhooks fails, stalls or is away.
    Receiver,
}

impl Kind {
    /// Everything that can be done to a platform on one machine.
    #[must_use]
    pub fn all(topology: Topology) -> Vec<Self> {
        let services = [ServiceKind::Transaction, ServiceKind::Notification];
        let victims = services.map(Victim::Service).into_iter().chain(Server::ALL.map(Victim::Server));
        let processes = victims.flat_map(|victim| [Self::Killed(victim), Self::Frozen(victim)]);
        let lines = Server::ALL.into_iter().flat_map(|server| Trouble::ALL.map(|trouble| Self::Line(server, trouble)));
        let always = [Self::LeaseStolen, Self::StreamDeleted, Self::Receiver];
        let here: &[Self] = match topology {
            Topology::Simple => &[Self::StoreRestored, Self::DiskFull],
            Topology::Ha => &[
                Self::KeeperKilled(Rank::Leader),
                Self::KeeperKilled(Rank::Follower),
                Self::KeeperApart,
                Self::PrimaryLost,
                Self::StandbyKilled,
            ],
        };
        let rest = always.into_iter().chain(services.map(Self::ClockOff)).chain(here.iter().copied());
        processes.chain(lines).chain(rest).collect()
    }

    /// NATS and Redis may be away for an `outage`; everything else is shorter.
    pub(super) fn longest(self, outage: Duration) -> Duration {
        let seconds = match self {
            Self::Killed(Victim::Server(Server::Nats | Server::Redis)) => return outage,
            Self::LeaseStolen => 0,
            Self::Killed(Victim::Service(_))
            | Self::Frozen(Victim::Server(Server::Postgres))
            | Self::StreamDeleted
            | Self::PrimaryLost
            | Self::StandbyKilled => 4,
            Self::Killed(Victim::Server(Server::Postgres)) | Self::StoreRestored | Self::DiskFull => 6,
            Self::KeeperKilled(_)
            | Self::KeeperApart
            | Self::Frozen(_)
            | Self::Line(..)
            | Self::ClockOff(_)
            | Self::Receiver => 10,
        };
        Duration::from_secs(seconds)
    }

    /// What it is done to. Two of the same would be in each other's way.
    pub(super) const fn subject(self) -> Option<Victim> {
        match self {
            Self::Killed(victim) | Self::Frozen(victim) => Some(victim),
            Self::Line(server, _) => Some(Victim::Server(server)),
            Self::LeaseStolen | Self::PrimaryLost | Self::StandbyKilled => Some(Victim::Server(Server::Postgres)),
            Self::StreamDeleted | Self::StoreRestored | Self::DiskFull | Self::KeeperKilled(_) | Self::KeeperApart => {
                Some(Victim::Server(Server::Nats))
            }
            Self::ClockOff(service) => Some(Victim::Service(service)),
            Self::Receiver => None,
        }
    }
}

impl Trouble {
    const ALL: [Self; 5] = [Self::Cut, Self::HalfOpen, Self::Stalled, Self::Delayed, Self::Throttled];

    pub(crate) fn weather(self, choice: u32) -> Weather {
        match self {
            Self::Cut => Weather::Cut,
            Self::HalfOpen => Weather::HalfOpen,
            Self::Stalled => Weather::Stalled,
            Self::Delayed => Weather::Delayed(Duration::from_millis(u64::from(10 + choice % 200))),
            Self::Throttled => Weather::Throttled { bytes_per_second: 2_000 + choice % 50_000 },
        }
    }
}

/// By how many seconds a clock is off, either way. A token is refused that will only be good in a minute.
pub(crate) fn seconds_off(choice: u32) -> i64 {
    i64::from(choice % 101) - 50
}

/// What a receiver does that is not well.
pub(crate) fn manner(choice: u32) -> Manner {
    let manners = [Manner::Status(500), Manner::Slow(Duration::from_secs(2)), Manner::StallHead, Manner::HangUp];
    manners[choice as usize % manners.len()]
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(kind) => f.write_str(kind.program()),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(victim) => write!(f, "{victim} killed"),
            Self::Frozen(victim) => write!(f, "{victim} frozen"),
            Self::Line(server, trouble) => write!(f, "line to {server} {trouble}"),
            Self::LeaseStolen => f.write_str("lease of the relay stolen"),
            Self::StreamDeleted => f.write_str("stream deleted"),
            Self::StoreRestored => f.write_str("older store of nats restored"),
            Self::KeeperKilled(Rank::Leader) => f.write_str("leader of the stream killed"),
            Self::KeeperKilled(Rank::Follower) => f.write_str("follower of the stream killed"),
            Self::KeeperApart => f.write_str("one nats partitioned away"),
            Self::PrimaryLost => f.write_str("primary postgres lost, standby promoted"),
            Self::StandbyKilled => f.write_str("standby of postgres killed"),
            Self::DiskFull => f.write_str("disk of nats full"),
            Self::ClockOff(service) => write!(f, "clock of {} off", service.program()),
            Self::Receiver => f.write_str("receiver of webhooks away"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "cut",
            Self::HalfOpen => "half-open",
            Self::Stalled => "stalled",
            Self::Delayed => "delayed",
            Self::Throttled => "throttled",
        })
    }
}
