//! `notification-svc dead-letters`: what consumers gave up on.

use anyhow::Context;
use clap::{Args, Subcommand};
use messaging::dead_letters::{Class, NoSuchClass};
use serde::Serialize;
use serde_json::json;
use service_kit::output::print_line;

use super::{output, who::Who};
use crate::{
    operate::{
        Operations,
        dead_letters::{Selection, Treatment},
        document::DeadLetterDocument,
    },
    store::audit::Action,
};

/// How many letters are read before they are printed.
const AT_A_TIME: u64 = 200;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count them by consumer and reason, or list them one by one
    List {
        #[command(flatten)]
        only: Only,
        /// One by one, without their bytes
        #[arg(long)]
        each: bool,
    },
    /// Print one with its bytes and its history
    Show { id: u64 },
    /// Hand them to their consumer again
    Redrive(Treat),
    /// Remove them for good
    Discard(Treat),
    /// Print them with their bytes, as JSON lines
    Export {
        #[command(flatten)]
        only: Only,
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, Clone, Args)]
pub(super) struct Only {
    /// Only those set aside for this reason
    #[arg(long, value_name = "REASON")]
    only: Option<String>,
    /// Only those of this consumer
    #[arg(long, value_name = "NAME")]
    consumer: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["ids", "only", "consumer", "all"]))]
pub(super) struct Treat {
    /// These, by the ids that `list --each` shows
    #[arg(conflicts_with_all = ["only", "consumer", "all"])]
    ids: Vec<u64>,
    #[command(flatten)]
    only: Only,
    /// All there are
    #[arg(long, conflicts_with_all = ["only", "consumer"])]
    all: bool,
    #[command(flatten)]
    who: Who,
}

#[derive(Serialize)]
struct Count {
    consumer: String,
    reason: String,
    count: u64,
}

impl Only {
    fn class(self) -> Result<Class, NoSuchClass> {
        Class::new(self.consumer, self.only)
    }
}

pub(super) async fn run(command: Command, operations: &Operations) -> anyhow::Result<()> {
    match command {
        Command::List { only, each: false } => count(operations, &only.class()?).await,
        Command::List { only, each: true } => {
            let mut letters = Vec::new();
            for_each(operations, &only.class()?, |letter| {
                letters.push(DeadLetterDocument::entry(letter));
                Ok(())
            })
            .await?;
            output::rows(["id", "reason", "event", "died at", "error"], &letters, |letter| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let died_at = contract::timestamp::text(letter.died_at);
                [letter.id.to_string(), letter.reason.clone(), text(&letter.event_id), died_at, text(&letter.error)]
            })
        }
        Command::Show { id } => {
            let letter =
                operations.dead_letters.get(id).await?.with_context(|| format!("there is no dead letter {id}"))?;
            Ok(print_line(serde_json::to_string_pretty(&DeadLetterDocument::whole(&letter))?)?)
        }
        Command::Redrive(treat) => self::treat(operations, Treatment::Redrive, treat).await,
        Command::Discard(treat) => self::treat(operations, Treatment::Discard, treat).await,
        Command::Export { only, who } => export(operations, only.class()?, who).await,
    }
}

async fn count(operations: &Operations, class: &Class) -> anyhow::Result<()> {
    let census = operations.dead_letters.census(class).await?;
    let counts = census.classes.into_iter().map(|class| Count {
        consumer: class.consumer,
        reason: class.reason,
        count: class.count,
    });
    output::rows(["consumer", "reason", "count"], &counts.collect::<Vec<_>>(), |class| {
        [class.consumer.clone(), class.reason.clone(), class.count.to_string()]
    })
}

async fn treat(operations: &Operations, treatment: Treatment, treat: Treat) -> anyhow::Result<()> {
    let selection = match treat.ids.is_empty() {
        false => Selection::Ids(treat.ids),
        true => Selection::Oldest(treat.only.class()?, u64::MAX),
    };
    let treated = operations.treat(treatment, &selection, &treat.who.order(), |_| {}).await?;
    output::json(&json!({ "planned": treated.planned, "done": treated.done }))
}

/// Who takes copies of events away is in the audit, too.
async fn export(operations: &Operations, class: Class, who: Who) -> anyhow::Result<()> {
    let planned = operations.dead_letters.census(&class).await?.classes.iter().map(|class| class.count).sum();
    let selection = json!({ "consumer": class.consumer(), "reason": class.reason() });
    let entry = operations.begin(Action::ExportDeadLetters, &who.order(), selection, planned).await?;
    let mut done = 0;
    for_each(operations, &class, |letter| {
        done += 1;
        output::json(&DeadLetterDocument::whole(letter))
    })
    .await?;
    Ok(operations.end(entry, done).await?)
}

/// Those that are there now, the oldest first.
async fn for_each(
    operations: &Operations,
    class: &Class,
    mut act: impl FnMut(&messaging::StoredDeadLetter) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let last_id = operations.dead_letters.census(class).await?.last_id;
    let mut after = 0;
    loop {
        let letters = operations.dead_letters.list(class, after, AT_A_TIME).await?;
        let Some(last) = letters.last() else { return Ok(()) };
        after = last.id;
        letters.iter().filter(|letter| letter.id <= last_id).try_for_each(&mut act)?;
        if after >= last_id {
            return Ok(());
        }
    }
}
