//! `notification-svc verify`: the journal of the ledger against what is stored here.

use anyhow::Context;
use clap::Args;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{output, replay::moment};
use crate::{
    config::{LedgerConfig, required},
    ledger::LedgerApi,
    operate::{
        Operations,
        replay::{RunsIn, Selection},
        verify::{Findings, Ledger, Period},
    },
    store::audit::Order,
};

/// Events that are younger may still be on their way.
const ON_THEIR_WAY: Duration = Duration::minutes(1);

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    span: Span,
    /// How many offenders of each sort are named
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    names: usize,
    /// Plan the replay that gives back what is missing
    #[arg(long)]
    repair: bool,
    /// Who; for the audit of the replay
    #[arg(long, env = "USER", value_name = "NAME", default_value = "unknown")]
    operator: String,
}

/// Which events to look at.
#[derive(Debug, Args)]
pub(super) struct Span {
    /// From the events of this time on; without it, from the beginning of the journal
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// Up to the events of this time; without it, those of a minute ago
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    until: Option<OffsetDateTime>,
}

impl Span {
    pub(super) fn period(&self, operations: &Operations) -> Period {
        Period { since: self.since, until: self.until.unwrap_or_else(|| operations.now() - ON_THEIR_WAY) }
    }
}

pub(super) fn ledger(config: Option<LedgerConfig>) -> anyhow::Result<Ledger> {
    let LedgerConfig { url, token } = required(config, "LEDGER__URL")?;
    Ok(Ledger::new(LedgerApi::new(url)?, required(token, "LEDGER__TOKEN")?))
}

/// Gives whether nothing is wrong.
pub(super) async fn run(
    command: Command,
    operations: &Operations,
    ledger: Option<LedgerConfig>,
) -> anyhow::Result<bool> {
    let Command { span, names, repair, operator } = command;
    let ledger = self::ledger(ledger)?;
    let progress = output::is_terminal().then(indicatif::ProgressBar::new_spinner);
    let findings = operations.verify(&ledger, span.period(operations), names, |found| {
        if let Some(progress) = &progress {
            progress.set_message(format!("{} events compared, {} missing", found.events, found.missing.count));
            progress.tick();
        }
    });
    let findings = findings.await.context("nothing can be said")?;
    if let Some(progress) = &progress {
        progress.finish_and_clear();
    }
    output::json(&findings)?;
    if repair {
        plan_repair(operations, &findings, operator).await?;
    }
    Ok(findings.is_clean())
}

async fn plan_repair(operations: &Operations, findings: &Findings, operator: String) -> anyhow::Result<()> {
    let Some((first, last)) = findings.missing_between else {
        return Ok(());
    };
    let selection = Selection { since: Some(first), until: Some(last + Duration::MICROSECOND), ..Selection::default() };
    let reason = format!("verify misses {} notifications", findings.missing.count);
    let replay = operations.request_replay(selection, None, Order { operator, reason }, RunsIn::Command).await?;
    let replay = operations.plan_replay(replay.id, |_| {}).await?;
    let events = replay.plan.as_ref().map_or(0, |plan| plan.events);
    output::json(&json!({
        "repair": replay,
        "execute": format!("notification-svc replay execute {} --expect {events}", replay.id),
    }))
}
