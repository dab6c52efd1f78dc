//! `transaction-svc republish`: a plan first, and with `--execute` a request to the leader of the relay.

use clap::{ArgGroup, Args, Subcommand};
use contract::AccountId;
use serde_json::json;
use service_kit::{clock::SystemClock, output::print_line};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Republishing, Wanted};
use crate::{config::Config, store::republications::Request};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Command {
    #[command(subcommand)]
    command: Option<Existing>,
    #[command(flatten)]
    new: New,
}

#[derive(Debug, Subcommand)]
enum Existing {
    /// What was asked for, by operators and by the relay itself, and how far it has come
    List,
    /// End one that runs
    Cancel { id: i64 },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["since", "account", "all"]))]
struct New {
    /// Events that happened at this time or later
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// Events that touch this account
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// The whole journal
    #[arg(long, conflicts_with_all = ["since", "account"])]
    all: bool,
    /// Events per second
    #[arg(long, value_name = "NUMBER", default_value = "5000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Do it, if the plan is for as many events as expected; without it, only plan
    #[arg(long, requires = "expect")]
    execute: bool,
    /// The number of events of the plan that you have seen
    #[arg(long, value_name = "NUMBER")]
    expect: Option<i64>,
    /// Why; for the audit
    // Required, though a subcommand does without.
    #[arg(long, value_name = "TEXT", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Who; for the audit
    #[arg(long, env = "USER", value_name = "NAME", default_value = "unknown")]
    operator: String,
}

/// Prints JSON lines.
///
/// # Errors
/// What is missing from the configuration or out of reach, and a plan that is not as expected.
pub async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    let republishing = Republishing::of_command(config, SystemClock)?;
    Ok(act(command, &republishing).await?.iter().try_for_each(print_line)?)
}

async fn act(command: Command, republishing: &Republishing<SystemClock>) -> anyhow::Result<Vec<String>> {
    match command.command {
        None => start(command.new, republishing).await,
        Some(Existing::List) => {
            republishing.list().await?.iter().map(|entry| Ok(serde_json::to_string(entry)?)).collect()
        }
        Some(Existing::Cancel { id }) => {
            republishing.cancel(id).await?;
            Ok(vec![json!({ "republication": id, "status": "cancelled" }).to_string()])
        }
    }
}

async fn start(new: New, republishing: &Republishing<SystemClock>) -> anyhow::Result<Vec<String>> {
    let New { since, account, all: _, rate, execute, expect, reason, operator } = new;
    let plan = republishing.plan(Wanted { since, account }).await?;
    let Some(expected) = expect.filter(|_| execute) else {
        return Ok(vec![json!({ "events": plan.events, "republication": null }).to_string()]);
    };
    let planned = plan.events;
    anyhow::ensure!(planned == expected, "the plan is for {planned} events, not {expected}: look at it again");
    let reason = reason.unwrap_or_default();
    let request = Request { selection: plan.selection, events_per_second: rate, operator, reason };
    let id = republishing.request(&request).await?;
    Ok(vec![json!({ "events": planned, "republication": id }).to_string()])
}

fn moment(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}
