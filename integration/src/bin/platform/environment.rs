//! `platform env`: addresses and tokens of the running platform as shell variables, so that pasted curl lines are short;
//! and what operators' commands need, so that these run as the guide has them.

use anyhow::Context;
use integration::stack::record::{Record, ReplicaRecord};
use integration::stack::service::built_programs;

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
    let pid = |service: &ReplicaRecord| service.pid.map(|pid| pid.to_string()).unwrap_or_default();
    for (name, value) in [
        ("TX", &transaction.url),
        ("TX_ADMIN", &transaction.admin_url),
        ("TX_PID", &pid(transaction)),
        ("NT", &notification.url),
        ("NT_ADMIN", &notification.admin_url),
        ("NT_PID", &pid(notification)),
        ("REDIS", &record.redis.url),
        ("ALICE", &record.tokens.alice),
        ("BOB", &record.tokens.bob),
        ("SERVICE", &record.tokens.service),
        ("OPERATOR", &record.tokens.operator),
    ] {
        export(name, value);
    }
    record.operators.iter().for_each(|(name, value)| export(name, value));
    println!("export PATH='{}':\"$PATH\"", built_programs()?.display());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the variables are the command's output")]
fn export(name: &str, value: &str) {
    println!("export {name}='{value}'");
}
