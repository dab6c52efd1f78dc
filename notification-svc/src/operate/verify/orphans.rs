//! Events that were published and that the journal does not have: the ledger was restored to a moment before them. They
//! are on the stream for as long as it keeps anything, and some were received here.

use contract::EventId;
use messaging::{
    range_reader::{self, Start},
    topology::TRANSACTIONS,
};

use super::{
    Ledger, VerifyError,
    pages::{Page, Pages, Period, not_in_journal},
};
use crate::{
    ingest::Arrival,
    operate::{
        Operations,
        replay::{Selection, Source},
    },
    store::{comparison, received_events},
};

/// Some orphans of one place.
#[derive(Debug)]
pub(in crate::operate) enum Orphans {
    /// They were received, and are not withdrawn.
    Received(Vec<EventId>),
    /// They were never received: they are on the stream alone.
    OnStream(Vec<Arrival>),
}

impl Orphans {
    pub(in crate::operate) const fn len(&self) -> u64 {
        match self {
            Self::Received(ids) => ids.len() as u64,
            Self::OnStream(arrivals) => arrivals.len() as u64,
        }
    }
}

impl Operations {
    /// Finds all orphans of the period, a bounded number at a time.
    pub(in crate::operate) async fn each_orphan(
        &self,
        ledger: &Ledger,
        period: Period,
        mut found: impl AsyncFnMut(Orphans) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        let mut pages = Pages::of(ledger, period);
        while let Some(page) = pages.next().await? {
            found(Orphans::Received(self.received_orphans(&page).await?)).await?;
        }
        self.each_orphan_on_stream(ledger, period, async |orphans| found(Orphans::OnStream(orphans)).await).await
    }

    /// Those of one page's stretch of the journal.
    pub(super) async fn received_orphans(&self, page: &Page) -> Result<Vec<EventId>, VerifyError> {
        let mut received = comparison::received_between(&self.pool, page.after, page.last).await?;
        for arrival in &page.arrivals {
            received.remove(&arrival.event.id);
        }
        Ok(received.into_iter().collect())
    }

    pub(super) async fn each_orphan_on_stream(
        &self,
        ledger: &Ledger,
        period: Period,
        mut found: impl AsyncFnMut(Vec<Arrival>) -> Result<(), VerifyError>,
    ) -> Result<(), VerifyError> {
        let selection = Selection { since: period.since, until: Some(period.until), ..Selection::default() };
        let extent = range_reader::extent(&self.nats, TRANSACTIONS).await?;
        if extent.last == 0 {
            return Ok(());
        }
        let from = match selection.start() {
            Start::Sequence(_) => Start::Sequence(extent.first.max(1)),
            since @ Start::Time(_) => since,
        };
        let mut source = Source::open(self.nats.clone(), &selection, from, extent.last, None);
        while let Some(portion) = source.next().await? {
            let arrivals = portion.events.into_iter().map(|selected| (selected.arrival.event.id, selected.arrival));
            let unknown = not_in_journal(ledger, arrivals).await?;
            found(self.not_received(unknown).await?).await?;
        }
        Ok(())
    }

    async fn not_received(&self, mut arrivals: Vec<Arrival>) -> Result<Vec<Arrival>, VerifyError> {
        if arrivals.is_empty() {
            return Ok(arrivals);
        }
        let ids: Vec<_> = arrivals.iter().map(|arrival| arrival.event.id).collect();
        let mut connection = self.pool.acquire().await?;
        let received = received_events::body_hashes_in_tx(&mut connection, &ids).await?;
        arrivals.retain(|arrival| !received.contains_key(&arrival.event.id));
        Ok(arrivals)
    }
}
