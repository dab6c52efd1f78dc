//! Verifies across the services: what the journal of the ledger says against what is stored here, both ways.
//!
//! Reads only. A notification that its user has muted is there, and so not missing. An event that was published, and that
//! the ledger does not have, means that the ledger's database went back in time: no replay heals that, see
//! [`super::withdraw`].

mod ledger;
mod orphans;
mod pages;

use std::collections::HashMap;

use contract::{Event, EventId, NotificationId};
use messaging::range_reader::ReadError;
use serde::Serialize;
use time::OffsetDateTime;

pub use ledger::{Ledger, LedgerError};
pub(super) use orphans::Orphans;
pub use pages::Period;
use pages::{Page, Pages};

use super::Operations;
use crate::{
    domain::{
        plan::{Planned, plan},
        render::{TEMPLATE_VERSION, render},
    },
    ingest::Arrival,
    store::{
        comparison::{self, StoredNotification},
        error::StoreError,
        received_events::{self, BodyHash},
    },
};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Events of the journal that were compared.
    pub events: u64,
    pub notifications: u64,
    /// The journal says that these have to be here, and they are not.
    pub missing: Offenders,
    /// These are here, and the journal knows nothing of their events.
    pub extra: Offenders,
    /// Events that were published, and are not in the journal.
    pub orphaned: Offenders,
    /// These say something else than the journal, or their events came with other bytes.
    pub differing: Offenders,
    /// The times of the first and the last event that lacks notifications.
    #[serde(skip)]
    pub missing_between: Option<(OffsetDateTime, OffsetDateTime)>,
}

/// How many there are, and the first of them by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Offenders {
    pub count: u64,
    pub first: Vec<String>,
    #[serde(skip)]
    named: usize,
}

impl Findings {
    /// Nothing yet; of each sort so many offenders will be named.
    fn naming(named: usize) -> Self {
        let sort = || Offenders { named, ..Offenders::default() };
        Self { missing: sort(), extra: sort(), orphaned: sort(), differing: sort(), ..Self::default() }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.missing.count + self.extra.count + self.orphaned.count + self.differing.count == 0
    }
}

impl Offenders {
    fn add(&mut self, name: impl ToString) {
        self.count += 1;
        if self.first.len() < self.named {
            self.first.push(name.to_string());
        }
    }
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the journal of the ledger cannot be read")]
    Ledger(#[from] LedgerError),
    #[error("the stream cannot be read")]
    Stream(#[from] ReadError),
    #[error("the notifications cannot be reached")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Operations {
    /// Compares all events of the period, and names so many offenders of each sort; `told` hears after each page.
    ///
    /// # Errors
    /// [`VerifyError`]
    pub async fn verify(
        &self,
        ledger: &Ledger,
        period: Period,
        named: usize,
        mut told: impl FnMut(&Findings),
    ) -> Result<Findings, VerifyError> {
        let mut findings = Findings::naming(named);
        let mut pages = Pages::of(ledger, period);
        while let Some(page) = pages.next().await? {
            self.compare(&page, &mut findings).await?;
            for orphan in self.received_orphans(&page).await? {
                findings.orphaned.add(format!("{orphan}, which was received"));
            }
            told(&findings);
        }
        let on_stream = self.each_orphan_on_stream(ledger, period, async |orphans| {
            for Arrival { event, .. } in orphans {
                findings.orphaned.add(format!("{}, which is on the stream alone", event.id));
            }
            told(&findings);
            Ok(())
        });
        Box::pin(on_stream).await?;
        Ok(findings)
    }

    async fn compare(&self, page: &Page, findings: &mut Findings) -> Result<(), VerifyError> {
        let mut stored = comparison::notifications_of(&self.pool, page.after, page.last).await?;
        let ids: Vec<_> = page.arrivals.iter().map(|arrival| arrival.event.id).collect();
        let mut connection = self.pool.acquire().await?;
        let received = received_events::body_hashes_in_tx(&mut connection, &ids).await?;
        for arrival in &page.arrivals {
            findings.events += 1;
            let is_complete = findings.compare_one(arrival, received.get(&arrival.event.id), &mut stored);
            if !is_complete {
                let time = arrival.event.time;
                let (first, last) = findings.missing_between.unwrap_or((time, time));
                findings.missing_between = Some((first.min(time), last.max(time)));
            }
        }
        for (id, notification) in stored {
            let event = EventId::from_uuid(notification.event_id);
            findings.extra.add(format!("{id} of {event} for {}", notification.recipient));
        }
        Ok(())
    }
}

impl Findings {
    /// Takes what belongs to the event out of what is stored; whether it was all there.
    fn compare_one(
        &mut self,
        arrival: &Arrival,
        received: Option<&BodyHash>,
        stored: &mut HashMap<NotificationId, StoredNotification>,
    ) -> bool {
        let event = &arrival.event;
        if received.is_some_and(|hash| *hash != arrival.body_sha256()) {
            self.differing.add(format!("{} came with other bytes", event.id));
        }
        let mut is_complete = true;
        for planned in plan(event) {
            let name = || format!("{} of {} for {}", planned.id, event.id, planned.recipient);
            match stored.remove(&planned.id) {
                None => {
                    is_complete = false;
                    self.missing.add(name());
                }
                Some(found) if says_the_same(&found, event, &planned) => self.notifications += 1,
                Some(_) => self.differing.add(name()),
            }
        }
        is_complete
    }
}

/// A text of an older template may be worded otherwise.
fn says_the_same(stored: &StoredNotification, event: &Event, planned: &Planned<'_>) -> bool {
    let text_is_right = stored.template_version != TEMPLATE_VERSION
        || stored.locale.parse().is_ok_and(|locale| {
            let text = render(event, planned, locale);
            (&text.title, &text.body) == (&stored.title, &stored.body)
        });
    text_is_right
        && stored.event_id == event.id.uuid()
        && stored.recipient == planned.recipient
        && stored.r#type == event.kind.as_str()
        && stored.transaction_id == planned.transaction.map(contract::TransactionId::uuid)
        && stored.account_id == planned.effect.account.uuid()
        && stored.account_sequence == planned.effect.sequence
        && stored.amount == planned.effect.amount.get()
        && stored.currency == planned.currency.code()
        && stored.occurred_at == event.time
}
