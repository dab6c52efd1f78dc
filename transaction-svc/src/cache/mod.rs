//! Single transactions as they are read, again and again: from Redis where it has them, else from Postgres.
//!
//! Nothing depends on Redis. Off, slow, full or empty, it costs a reader at most its short time limit, and the answers are
//! the same. What can be stale, and for how long: a change that was committed and could not be told to Redis, because the
//! process died in between or Redis did not answer, is missed for at most ten seconds (`entry`). How an old reading is kept
//! out is told in `shelf`.

mod entry;
mod load;
mod metrics;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use contract::TransactionId;
use prometheus::Registry;
use service_kit::redis::{Redis, Unanswered};

pub use entry::Entry;

use crate::store::{Database, StoreError};
use metrics::CacheMetrics;
use shelf::{Found, Shelf};

/// Readings under way at one time.
const MAX_READINGS: u64 = 10_000;
/// Longer than any reading takes; a finished one is removed by whoever did it.
const READING_FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// What a reading brings; the error is shared by all who waited for it.
type Read = Result<Option<Arc<Entry>>, Arc<StoreError>>;

/// Reads single transactions, and is told of their changes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TransactionCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    shelf: Option<Shelf>,
    readings: moka::future::Cache<TransactionId, Option<Arc<Entry>>>,
    metrics: CacheMetrics,
}

impl TransactionCache {
    /// # Errors
    /// When the registry already has its metrics.
    pub fn new(database: Database, redis: Option<Redis>, registry: &Registry) -> prometheus::Result<Self> {
        let readings =
            moka::future::Cache::builder().max_capacity(MAX_READINGS).time_to_live(READING_FORGOTTEN_AFTER).build();
        let metrics = CacheMetrics::register(registry)?;
        Ok(Self(Arc::new(Inner { database, shelf: redis.map(Shelf::new), readings, metrics })))
    }

    /// The transaction, where there is one.
    ///
    /// # Errors
    /// Those of the database, and a corrupt row.
    pub async fn find(&self, id: TransactionId) -> Read {
        let Some(shelf) = &self.0.shelf else { return self.load(id).await };
        match self.look(shelf, id).await {
            Ok(Found::Entry(entry)) => Ok(Some(Arc::from(entry))),
            Ok(Found::Nothing) => self.read_once(shelf, id).await,
            Err(Unanswered) => self.load(id).await,
        }
    }

    /// One of this process's requests reads; the others wait for it, and look again. They do not take over what it has
    /// read: it may have begun before a change that they know of. If it had missed that change, it would not be in Redis now.
    async fn read_once(&self, shelf: &Shelf, id: TransactionId) -> Read {
        let reading = self.0.readings.entry(id).or_try_insert_with(self.read_and_put(shelf, id)).await?;
        if reading.is_fresh() {
            self.0.readings.invalidate(&id).await;
            return Ok(reading.into_value());
        }
        match self.look(shelf, id).await {
            Ok(Found::Entry(entry)) => Ok(Some(Arc::from(entry))),
            _ => self.load(id).await,
        }
    }

    async fn read_and_put(&self, shelf: &Shelf, id: TransactionId) -> Result<Option<Arc<Entry>>, StoreError> {
        let mark = shelf.mark(id).await;
        let found = load::load(&self.0.database, id).await?;
        if let (Ok(Some(mark)), Some(entry)) = (mark, &found)
            && let Ok(text) = entry.encode()
        {
            self.0.metrics.put(shelf.replace(mark, entry, text).await.map(|put| vec![put]));
        }
        Ok(found.map(Arc::new))
    }

    async fn look(&self, shelf: &Shelf, id: TransactionId) -> Result<Found, Unanswered> {
        let found = shelf.look(id).await;
        self.0.metrics.looked(&found);
        found
    }

    async fn load(&self, id: TransactionId) -> Read {
        Ok(load::load(&self.0.database, id).await?.map(Arc::new))
    }

    /// Has the next readers see these committed changes. To be awaited before anybody is told of them, so that nobody who
    /// was told reads what was before; it takes no longer than Redis may.
    pub async fn put(&self, changed: impl IntoIterator<Item = Entry>) {
        let Some(shelf) = &self.0.shelf else { return };
        let entries: Vec<_> =
            changed.into_iter().filter_map(|entry| entry.encode().ok().map(|text| (entry, text))).collect();
        if !entries.is_empty() {
            self.0.metrics.put(shelf.put(&entries).await);
        }
    }
}
