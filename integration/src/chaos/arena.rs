//! Where a plan of faults is carried out, and what came of it.

use std::{fs, time::Duration};

use anyhow::Context;
use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::{audience::Audience, strike::start};
use crate::{
    fault::{
        disk::SmallDisk,
        kind::{Kind, Topology},
        plan::{Fault, Strike},
    },
    history::{
        check::{Harm, InboxOrder, Violation, check},
        evidence::Evidence,
        record::{Load, Recorder},
        told::History,
    },
    stack::{
        backing::Backing,
        directory::DataDirectory,
        nats,
        platform::{Layout, Platform},
        service::ServiceKind,
    },
};

/// So many payments must be told after a strike before the next one comes.
const SERVED: usize = 5;
/// What the streams of a long run take, several times over.
const DISK_OF_NATS_MEBIBYTES: u32 = 128;

/// Two replicas of each service, and everybody who uses them.
#[derive(Debug)]
pub struct Arena {
    topology: Topology,
    pub(super) platform: Platform,
    pub(super) audience: Audience,
    pub(super) evidence: Evidence,
    clients: Recorder,
    /// Why the disk of NATS cannot be filled on this machine, if so.
    pub no_small_disk: Option<String>,
}

/// What was done, and what clients saw of it. Moments are counted from the beginning of the run.
#[derive(Debug)]
pub struct Struck {
    pub faults: Vec<Fault>,
    pub began: Duration,
    pub ended: Duration,
    /// The longest time in which nobody was told anything.
    pub silence: Duration,
}

/// What came of a plan.
#[derive(Debug)]
pub struct Outcome {
    pub strikes: Vec<Struck>,
    pub history: History,
    pub violations: Vec<Violation>,
}

impl Arena {
    /// # Errors
    /// When something does not start.
    pub async fn set(directory: DataDirectory, topology: Topology, load: Load) -> anyhow::Result<Self> {
        let (backing, no_small_disk) = match topology {
            Topology::Simple => simple_backing(directory).await?,
            Topology::Ha => (Backing::highly_available_in(directory).await?, None),
        };
        let mut audience = Audience::gather().await?;
        let allowed = (ServiceKind::Transaction, "WEBHOOKS__ALLOWED_ADDRESSES", audience.addresses());
        let layout = Layout { replicas: 2, lines: true, settings: vec![allowed], ..Layout::default() };
        let platform = Platform::start_on(backing, &layout).await?;
        audience.register(&platform).await?;
        let clients = Recorder::new(&platform, load).await?;
        let evidence = Evidence::of(&platform).await?;
        Ok(Self { topology, evidence, platform, audience, clients, no_small_disk })
    }

    /// Everything that can be done here.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let all = Kind::all(self.topology).into_iter();
        all.filter(|kind| self.no_small_disk.is_none() || *kind != Kind::DiskFull).collect()
    }

    /// Carries out the plan for so long, and `tell`s what is done; then lets everything come to rest, and looks.
    ///
    /// # Errors
    /// When a fault cannot be done, or the evidence not be read.
    pub async fn play(
        &self,
        plan: impl IntoIterator<Item = Strike>,
        length: Duration,
        tell: impl Fn(&Strike),
    ) -> anyhow::Result<Outcome> {
        let end = Instant::now() + length;
        let mut violations = Vec::new();
        let story = async {
            let mut strikes = Vec::new();
            for strike in plan {
                sleep(strike.after).await;
                if Instant::now() > end || !violations.is_empty() {
                    break;
                }
                tell(&strike);
                strikes.push(self.strike(&strike, &mut violations).await?);
            }
            anyhow::Ok(strikes)
        };
        let (mut history, strikes) = Box::pin(self.clients.during(story)).await;
        violations.extend(self.come_to_rest().await.err().map(|error| wrong("everything comes to rest", &error)));
        history.listeners = self.audience.testify();
        violations.extend(check(&history, &self.evidence, InboxOrder::Any).await?);
        violations.extend(self.panics()?);
        Ok(Outcome { strikes: strikes?, history, violations })
    }

    async fn strike(&self, strike: &Strike, violations: &mut Vec<Violation>) -> anyhow::Result<Struck> {
        let began = self.clients.elapsed();
        let story = async {
            try_join_all(strike.faults.iter().map(|fault| self.inflict(fault))).await?;
            let served = self.clients.told(SERVED).await;
            violations.extend(served.err().map(|error| wrong("clients are served again within a minute", &error)));
            anyhow::Ok(())
        };
        let (done, silence) = self.clients.silence_during(story).await;
        done.with_context(|| format!("{:?}", strike.faults))?;
        for process in self.platform.processes().filter(|process| process.pid().is_none()) {
            let ended = anyhow::anyhow!("{}: {}", process.name(), process.ended().await);
            violations.push(wrong("a process ends only when it is killed", &ended));
            start(process).await?;
        }
        Ok(Struck { faults: strike.faults.clone(), began, ended: self.clients.elapsed(), silence })
    }

    async fn come_to_rest(&self) -> anyhow::Result<()> {
        self.evidence.at_rest().await?;
        self.audience.hear_the_rest(&self.evidence.database).await
    }

    /// A task that dies is started again, so nobody but its log may tell.
    fn panics(&self) -> anyhow::Result<Vec<Violation>> {
        let mut violations = Vec::new();
        for entry in fs::read_dir(self.platform.backing.directory.path())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let log = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
                let panics = log.lines().filter(|line| line.contains("panicked at"));
                violations.extend(panics.map(|line| wrong("nothing panics", &anyhow::anyhow!("{line}"))));
            }
        }
        Ok(violations)
    }
}

/// And why NATS has no small disk in it, if so.
async fn simple_backing(directory: DataDirectory) -> anyhow::Result<(Backing, Option<String>)> {
    let store = nats::store(directory.path());
    fs::create_dir_all(&store)?;
    let (disk, why_not) = match SmallDisk::mount(&store, DISK_OF_NATS_MEBIBYTES).await {
        Ok(disk) => (Some(disk), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Ok((Backing::private_in(directory, disk).await?, why_not))
}

fn wrong(rule: &str, error: &anyhow::Error) -> Violation {
    Violation { rule: rule.to_owned(), harm: Harm::Wrong, what: format!("{error:#}") }
}
