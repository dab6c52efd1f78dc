//! The entries in Redis, and the two rules by which they are put there.
//!
//! *Whoever has committed* a change puts its state there unless a newer one is there already: replicas may come in any
//! order.
//!
//! *Whoever has only read* may have read what is no longer true. A reader therefore leaves a mark where it found nothing,
//! before it asks the database, and puts its entry there only if its own mark is still there. A change that its reading
//! missed was committed after the mark was left, so its state, put there afterwards, has replaced the mark. Neither an
//! entry that has expired meanwhile nor a Redis that has lost everything lets an old reading in: no mark, no entry.

use std::time::Duration;

use contract::TransactionId;
use rand::random;
use service_kit::redis::{Redis, Script, Unanswered, cmd, pipe};

use super::entry::Entry;

/// How long a reader may take. One that takes longer has read for itself.
const MARKED_FOR: Duration = Duration::from_secs(2);

const PUT_IF_NEWER: &str = r"
local held = redis.call('GET', KEYS[1])
local version = held and string.match(held, '^%d+:(%d+):')
if version and tonumber(version) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
";

const REPLACE_MARK: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
";

#[derive(Debug)]
pub(super) struct Shelf {
    redis: Redis,
    put_if_newer: Script,
    replace_mark: Script,
}

/// What was found in the place of a transaction.
#[derive(Debug)]
pub(super) enum Found {
    Entry(Box<Entry>),
    /// Or a reader's mark, or what this release cannot read.
    Nothing,
}

/// A reader's own mark in the place of a transaction.
#[derive(Debug)]
pub(super) struct Mark(String);

impl Shelf {
    pub(super) fn new(redis: Redis) -> Self {
        Self { redis, put_if_newer: Script::new(PUT_IF_NEWER), replace_mark: Script::new(REPLACE_MARK) }
    }

    pub(super) async fn look(&self, id: TransactionId) -> Result<Found, Unanswered> {
        let text: Option<String> = self.redis.command(cmd("GET").arg(key(id))).await?;
        let entry = text.as_deref().and_then(Entry::decode);
        Ok(entry.map_or(Found::Nothing, |entry| Found::Entry(Box::new(entry))))
    }

    /// `None` where something is already.
    pub(super) async fn mark(&self, id: TransactionId) -> Result<Option<Mark>, Unanswered> {
        let mark = format!("mark:{:032x}", random::<u128>());
        let mut set = cmd("SET");
        set.arg(key(id)).arg(&mark).arg("NX").arg("PX").arg(milliseconds(MARKED_FOR));
        let set: Option<String> = self.redis.command(&set).await?;
        Ok(set.map(|_ok| Mark(mark)))
    }

    /// Whether the entry is there now, in place of its reader's mark.
    pub(super) async fn replace(&self, Mark(mark): Mark, entry: &Entry, text: String) -> Result<bool, Unanswered> {
        let mut replace = self.replace_mark.key(key(entry.transaction.id));
        replace.arg(mark).arg(text).arg(milliseconds(entry.time_to_live()));
        self.redis.script(&replace).await
    }

    /// For each entry whether it is there now: not where a newer one is.
    pub(super) async fn put(&self, entries: &[(Entry, String)]) -> Result<Vec<bool>, Unanswered> {
        let mut commands = pipe();
        commands.load_script(&self.put_if_newer).ignore();
        for (entry, text) in entries {
            let mut put = self.put_if_newer.key(key(entry.transaction.id));
            put.arg(entry.version()).arg(text).arg(milliseconds(entry.time_to_live()));
            commands.invoke_script(&put);
        }
        self.redis.pipeline(&commands).await
    }
}

fn key(id: TransactionId) -> String {
    format!("transaction-svc:transaction:{id}")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
