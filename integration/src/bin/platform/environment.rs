//! `platform env`: addresses and tokens of the running platform as shell variables, so that pasted curl lines are short.

use anyhow::Context;
use integration::stack::record::Record;

use crate::DataDirectory;

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: DataDirectory,
}

#[expect(clippy::print_stdout, reason = "the variables are the command's output")]
pub(crate) fn print(options: &Options) -> anyhow::Result<()> {
    let record = Record::read(&options.data.path)?;
    let transaction = record.transaction_svc.first().context("the platform has no transaction-svc")?;
    let notification = record.notification_svc.first().context("the platform has no notification-svc")?;
    for (name, value) in [
        ("TX", &transaction.url),
        ("NT", &notification.url),
        ("ALICE", &record.tokens.alice),
        ("BOB", &record.tokens.bob),
        ("SERVICE", &record.tokens.service),
        ("OPERATOR", &record.tokens.operator),
    ] {
        println!("export {name}='{value}'");
    }
    Ok(())
}
