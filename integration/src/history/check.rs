//! Holds what clients were told against what the platform has, and names whatever breaks a rule.

use std::fmt;

use futures_util::{StreamExt, TryStreamExt};
use sqlx::{Connection, PgConnection, raw_sql};
use transaction_svc::operate::verify::{Offender, examine_in_tx};

use super::{
    evidence::{Evidence, Published},
    rules::{self, Rule},
    testimony,
    told::History,
};

/// How many violations of one rule are named: where there are more, the first tell enough.
const NAMED: usize = 20;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub rule: String,
    pub harm: Harm,
    /// What breaks it, with the ids of the database.
    pub what: String,
}

/// What it means to those who rely on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Something that was acknowledged is missing somewhere.
    Lost,
    /// Something happened twice.
    Duplicated,
    Wrong,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// In which order a user's notifications must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxOrder {
    /// That of the stream: events came no other way, one replica consumed it, and it lost nothing that it had in hand.
    OfTheStream,
    /// Any: batches that were handled again, or by several replicas, have no order among each other.
    Any,
}

/// Waits until everything has come to rest, and looks.
///
/// # Errors
/// When it does not come to rest, or cannot be looked at.
pub async fn check(history: &History, evidence: &Evidence, inbox: InboxOrder) -> anyhow::Result<Vec<Violation>> {
    evidence.at_rest().await?;
    let published = evidence.published().await?;
    let mut connection = evidence.database.acquire().await?;
    examine(&mut connection, history, &published, inbox).await
}

/// Looks at a database at rest. Leaves nothing behind in it.
///
/// # Errors
/// When the database cannot be read.
pub async fn examine(
    connection: &mut PgConnection,
    history: &History,
    published: &[Published],
    inbox: InboxOrder,
) -> anyhow::Result<Vec<Violation>> {
    // Rolled back with everything that is put into it.
    let mut transaction = connection.begin().await?;
    testimony::lay_down_in_tx(&mut transaction, history, published).await?;
    let mut violations = books_in_tx(&mut transaction).await?;
    for Rule { name, harm, broken_by } in rules::all(inbox) {
        let broken_by = sqlx::query_scalar(broken_by).fetch(&mut *transaction);
        let named: Vec<String> = broken_by.take(NAMED).try_collect().await?;
        violations.extend(named.into_iter().map(|what| Violation { rule: name.to_owned(), harm, what }));
    }
    transaction.rollback().await?;
    Ok(violations)
}

/// What the ledger's own verification finds.
async fn books_in_tx(connection: &mut PgConnection) -> anyhow::Result<Vec<Violation>> {
    raw_sql("SET LOCAL search_path = transactions").execute(&mut *connection).await?;
    let findings = examine_in_tx(connection).await?;
    raw_sql("SET LOCAL search_path = DEFAULT").execute(connection).await?;
    let violations = findings.into_iter().flat_map(|finding| {
        let violation = move |offender: Offender| Violation {
            rule: finding.check.clone(),
            harm: Harm::Wrong,
            what: offender.to_string(),
        };
        finding.offenders.into_iter().map(violation)
    });
    Ok(violations.collect())
}

/// The names of all rules but the ledger's own.
pub fn rule_names() -> impl Iterator<Item = &'static str> {
    rules::all(InboxOrder::OfTheStream).map(|rule| rule.name)
}
