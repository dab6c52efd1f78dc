//! The sessions in Redis: each under the digest of its token, and for each user the digests by id, so that users can see
//! and end their sessions. What belongs together is done by one script.

use std::cmp::Reverse;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::SessionId;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::ABSOLUTE;
use super::record::Record;
use super::token::SessionToken;
use crate::auth::Caller;
use crate::clock::SharedClock;
use crate::http::{Problem, ProblemKind};
use crate::redis::{Redis, Script, Unanswered, cmd};

/// Before the digest of a token.
const SESSION: &str = "session:";
/// Of one user at one time.
const MAX_SESSIONS: usize = 32;
/// How exactly it is known when a session was last used; each use would be a write otherwise.
const SEEN_EVERY: time::Duration = time::Duration::minutes(1);
const RETRY_AFTER_SECONDS: u32 = 1;

/// Forgets those that are over. Without a place for one more it does nothing.
const CREATE: &str = r"
local held = redis.call('HGETALL', KEYS[1])
for field = 1, #held, 2 do
    if redis.call('EXISTS', ARGV[1] .. held[field + 1]) == 0 then
        redis.call('HDEL', KEYS[1], held[field])
    end
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('SET', ARGV[1] .. ARGV[4], ARGV[5], 'PX', ARGV[6])
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return 1
";

const LIST: &str = r"
local found = {}
for _, digest in ipairs(redis.call('HVALS', KEYS[1])) do
    local record = redis.call('GET', ARGV[1] .. digest)
    if record then
        table.insert(found, record)
    end
end
return found
";

const REVOKE: &str = r"
local digest = redis.call('HGET', KEYS[1], ARGV[2])
if not digest then
    return 0
end
redis.call('HDEL', KEYS[1], ARGV[2])
return redis.call('DEL', ARGV[1] .. digest)
";

const REVOKE_ALL: &str = r"
for _, digest in ipairs(redis.call('HVALS', KEYS[1])) do
    redis.call('DEL', ARGV[1] .. digest)
end
return redis.call('DEL', KEYS[1])
";

/// The sessions of everybody. Without Redis there are none, and each question is answered 503.
#[derive(Debug, Clone)]
pub struct Sessions {
    redis: Option<Redis>,
    clock: SharedClock,
}

impl Sessions {
    #[must_use]
    pub const fn new(redis: Option<Redis>, clock: SharedClock) -> Self {
        Self { redis, clock }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Whether there was a place for it.
    pub(super) async fn create(&self, token: &SessionToken, record: &Record) -> Result<bool, Problem> {
        let Some(left) = record.left(record.created_at) else { return Ok(false) };
        let script = Script::new(CREATE);
        let mut create = script.key(index(&record.issuer, &record.subject));
        create.arg(SESSION).arg(MAX_SESSIONS).arg(record.id.to_string()).arg(token.digest());
        create.arg(text(record)).arg(milliseconds(left)).arg(milliseconds(ABSOLUTE));
        self.redis()?.script(&create).await.map_err(unavailable)
    }

    /// The session of this token, unless it is over. It has been used now.
    pub(super) async fn find(&self, token: &SessionToken) -> Result<Option<Record>, Problem> {
        let redis = self.redis()?;
        let key = format!("{SESSION}{}", token.digest());
        let found: Option<String> = redis.command(cmd("GET").arg(&key)).await.map_err(unavailable)?;
        let Some(mut record) = found.and_then(|found| serde_json::from_str::<Record>(&found).ok()) else {
            return Ok(None);
        };
        let now = self.now();
        let Some(left) = record.left(now) else { return Ok(None) };
        if now - record.last_seen_at >= SEEN_EVERY {
            record.last_seen_at = now;
            // Only where it still is: it may have been revoked in this moment.
            let mut set = cmd("SET");
            set.arg(&key).arg(text(&record)).arg("XX").arg("PX").arg(milliseconds(left));
            let seen: Option<String> = redis.command(&set).await.map_err(unavailable)?;
            return Ok(seen.map(|_ok| record));
        }
        Ok(Some(record))
    }

    /// The caller's own, the newest first.
    pub(super) async fn list(&self, caller: &Caller) -> Result<Vec<Record>, Problem> {
        let script = Script::new(LIST);
        let mut list = script.key(index(&caller.issuer, &caller.subject));
        list.arg(SESSION);
        let found: Vec<String> = self.redis()?.script(&list).await.map_err(unavailable)?;
        let records = found.iter().filter_map(|record| serde_json::from_str::<Record>(record).ok());
        let mut records: Vec<_> = records.filter(|record| record.left(self.now()).is_some()).collect();
        records.sort_by_key(|record| Reverse(record.id));
        Ok(records)
    }

    /// Ends one of the caller's sessions; says whether there was one.
    pub(super) async fn revoke(&self, caller: &Caller, id: SessionId) -> Result<bool, Problem> {
        let script = Script::new(REVOKE);
        let mut revoke = script.key(index(&caller.issuer, &caller.subject));
        revoke.arg(SESSION).arg(id.to_string());
        self.redis()?.script(&revoke).await.map_err(unavailable)
    }

    /// Ends all of the caller's sessions.
    pub(super) async fn revoke_all(&self, caller: &Caller) -> Result<(), Problem> {
        let script = Script::new(REVOKE_ALL);
        let mut revoke = script.key(index(&caller.issuer, &caller.subject));
        revoke.arg(SESSION);
        let _existed: bool = self.redis()?.script(&revoke).await.map_err(unavailable)?;
        Ok(())
    }

    fn redis(&self) -> Result<&Redis, Problem> {
        self.redis.as_ref().ok_or_else(|| unavailable(Unanswered))
    }
}

fn text(record: &Record) -> String {
    serde_json::to_string(record).expect("a record consists of what JSON can hold")
}

/// Of one length, whatever issuers call themselves.
fn index(issuer: &str, subject: &str) -> String {
    let digest: [u8; 32] = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject).finalize().into();
    format!("sessions:{}", URL_SAFE_NO_PAD.encode(digest))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn unavailable(_: Unanswered) -> Problem {
    Problem::new(ProblemKind::UNAVAILABLE, "Sessions are unavailable; bearer tokens are not.")
        .retry_after(RETRY_AFTER_SECONDS)
}
