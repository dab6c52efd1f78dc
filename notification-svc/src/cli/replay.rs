//! `notification-svc replay`: a plan first, and with `--execute` the replay itself, with a bar on a terminal.

use anyhow::Context;
use clap::{Args, Subcommand};
use contract::{AccountId, EventKind, ReplayId};
use service_kit::output::print_line;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{output, progress::Shown, who::Who};
use crate::operate::{
    Operations,
    replay::{Replay, RunsIn, Selection},
};

/// The most that a list shows.
const LISTED: u64 = 200;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Command {
    #[command(subcommand)]
    command: Option<Existing>,
    #[command(flatten)]
    new: New,
}

#[derive(Debug, Subcommand)]
enum Existing {
    /// Go on with one that was interrupted
    Resume {
        id: ReplayId,
        /// Do not wait for a process that held it and may be dead
        #[arg(long)]
        take_over: bool,
    },
    /// Do what was planned
    Execute {
        id: ReplayId,
        /// The number of events of the plan that you have seen
        #[arg(long, value_name = "NUMBER")]
        expect: u64,
    },
    /// All of them, the newest first
    List,
    /// One of them, with its plan and how far it has come
    Show { id: ReplayId },
    /// End one that has not ended; what it has done stays done
    Cancel { id: ReplayId },
}

#[derive(Debug, Args)]
struct New {
    /// Events that happened at this time or later
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// Events that happened before
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    until: Option<OffsetDateTime>,
    /// From this sequence of the stream on
    #[arg(long, value_name = "NUMBER")]
    from_seq: Option<u64>,
    /// Up to this sequence of the stream
    #[arg(long, value_name = "NUMBER")]
    to_seq: Option<u64>,
    /// Events that touch this account
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
    /// Events that touch an account of this user
    #[arg(long, value_name = "SUB")]
    user: Option<String>,
    /// Events of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<EventKind>,
    /// Events per second; without it, as fast as possible
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Do it, if the plan is for as many events as expected; without it, only plan
    #[arg(long, requires = "expect")]
    execute: bool,
    /// The number of events of the plan that you have seen
    #[arg(long, value_name = "NUMBER")]
    expect: Option<u64>,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(command: Command, operations: &Operations) -> anyhow::Result<()> {
    match command.command {
        None => start(operations, command.new).await,
        Some(Existing::Resume { id, take_over }) => execute(operations, id, take_over).await,
        Some(Existing::Execute { id, expect }) => {
            operations.start_replay(id, expect).await?;
            execute(operations, id, false).await
        }
        Some(Existing::List) => {
            let replays = operations.replays.list(None, LISTED).await?;
            output::rows(["id", "status", "events", "done", "operator", "reason"], &replays, |replay| {
                let planned = replay.plan.as_ref().map_or_else(String::new, |plan| plan.events.to_string());
                let done = replay.progress.events.to_string();
                let status = replay.status.to_string();
                [replay.id.to_string(), status, planned, done, replay.operator.clone(), replay.reason.clone()]
            })
        }
        Some(Existing::Show { id }) => {
            let replay = operations.replays.get(id).await?.with_context(|| format!("there is no replay {id}"))?;
            show(&replay)
        }
        Some(Existing::Cancel { id }) => show(&operations.cancel_replay(id).await?),
    }
}

async fn start(operations: &Operations, new: New) -> anyhow::Result<()> {
    let New { since, until, from_seq, to_seq, account, user, types, rate, execute: executes, expect, who } = new;
    let selection = Selection { since, until, from_sequence: from_seq, to_sequence: to_seq, account, user, types };
    let replay = operations.request_replay(selection, rate, who.order(), RunsIn::Command).await?;
    let mut shown = Shown::planning();
    let planned = operations.plan_replay(replay.id, |plan| shown.planned(plan)).await?;
    shown.end();
    let Some(expected) = expect.filter(|_| executes) else {
        return show(&planned);
    };
    match operations.start_replay(replay.id, expected).await {
        Ok(started) => execute(operations, started.id, false).await,
        Err(error) => {
            operations.cancel_replay(replay.id).await?;
            Err(error.into())
        }
    }
}

async fn execute(operations: &Operations, id: ReplayId, take_over: bool) -> anyhow::Result<()> {
    let mut shown = Shown::replaying(id);
    let done = operations.run_replay(id, take_over, |plan, progress| shown.replayed(plan, progress)).await;
    shown.end();
    let done = done.with_context(|| format!("replay {id} does not go on; `replay resume {id}` continues it"))?;
    show(&done)
}

fn show(replay: &Replay) -> anyhow::Result<()> {
    if output::is_terminal() {
        return Ok(print_line(serde_json::to_string_pretty(replay)?)?);
    }
    output::json(replay)
}

pub(super) fn moment(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &Rfc3339)
}
