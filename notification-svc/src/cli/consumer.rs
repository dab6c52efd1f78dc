//! `notification-svc consumer`: the durable consumers of the service.

use clap::Subcommand;
use serde_json::json;
use time::Duration;

use super::{output, who::Who};
use crate::operate::Operations;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// How far behind it is, what waits, and what went wrong last
    Status,
    /// Deliver no more events for some time; they wait in the stream
    Pause {
        /// When it goes on by itself
        #[arg(long, value_name = "NUMBER", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=10_080))]
        minutes: u32,
        #[command(flatten)]
        who: Who,
    },
    /// Go on before the pause has ended
    Resume {
        #[command(flatten)]
        who: Who,
    },
}

pub(super) async fn run(command: Command, operations: &Operations) -> anyhow::Result<()> {
    match command {
        Command::Status => status(operations).await,
        Command::Pause { minutes, who } => {
            let until = operations.pause_consumer(Duration::minutes(minutes.into()), &who.order()).await?;
            output::json(&json!({ "paused_until": contract::timestamp::text(until) }))
        }
        Command::Resume { who } => {
            operations.resume_consumer(&who.order()).await?;
            output::json(&json!({ "paused_until": null }))
        }
    }
}

async fn status(operations: &Operations) -> anyhow::Result<()> {
    let header = ["durable", "paused", "lag", "lag in s", "unacknowledged", "redelivered", "parked", "last error"];
    output::rows(header, &operations.consumer_status().await?, |status| {
        [
            status.durable.to_owned(),
            status.paused.to_string(),
            status.lag_messages.to_string(),
            format!("{:.1}", status.lag_seconds),
            status.ack_pending.to_string(),
            status.redelivered.to_string(),
            status.parked.to_string(),
            status.last_error.clone().unwrap_or_default(),
        ]
    })
}
