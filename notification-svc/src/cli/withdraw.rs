//! `notification-svc withdraw`: counts the events that the ledger does not have, and with `--execute` withdraws them.

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::{
    output,
    verify::{Span, ledger},
    who::Who,
};
use crate::{config::LedgerConfig, operate::Operations};

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    span: Span,
    /// Do it, if there are as many events as expected; without it, only count them
    #[arg(long, requires = "expect")]
    execute: bool,
    /// The number of events that you have seen
    #[arg(long, value_name = "NUMBER")]
    expect: Option<u64>,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(command: Command, operations: &Operations, config: Option<LedgerConfig>) -> anyhow::Result<()> {
    let Command { span, execute, expect, who } = command;
    let (ledger, period) = (ledger(config)?, span.period(operations));
    let Some(expected) = expect.filter(|_| execute) else {
        let events = operations.count_orphans(&ledger, period).await.context("nothing can be said")?;
        return output::json(&json!({ "planned": events, "done": 0 }));
    };
    let withdrawn = operations.withdraw(&ledger, period, expected, &who.order()).await?;
    output::json(&json!({ "planned": withdrawn.planned, "done": withdrawn.done }))
}
