//! The count of a caller's requests over all replicas: the generic cell rate algorithm (ITU-T I.371) as a script in
//! Redis, by the clock of Redis.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::config::LimitConfig;
use crate::redis::{Redis, Script, Unanswered};

/// How many permits a replica takes at a time: the fewer, the closer to the budget; the more, the fewer round trips.
const PERMITS: u32 = 10;

/// What is stored is the theoretical arrival time: when a caller who asks evenly would come next, in microseconds. It may
/// run ahead of the clock by the burst. Each permit moves it on by the interval between two requests.
const TAKE: &str = r"
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = burst * interval - (arrival - now)
local granted = math.min(wanted, math.floor(room / interval))
if granted < 1 then
    return {0, math.ceil(interval - room)}
end
arrival = arrival + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
return {granted, 0}
";

#[derive(Debug)]
pub(super) struct Fleet {
    service: &'static str,
    interval_us: u64,
    burst: u32,
    redis: Redis,
    take: Script,
}

/// What the fleet has left for a caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// At least one.
    Permits(u32),
    Nothing {
        wait: Duration,
    },
}

impl Fleet {
    pub(super) fn new(service: &'static str, config: &LimitConfig, redis: Redis) -> Self {
        Self { service, interval_us: config.interval_us(), burst: config.burst.get(), redis, take: Script::new(TAKE) }
    }

    pub(super) async fn take(&self, issuer: &str, subject: &str) -> Result<Grant, Unanswered> {
        let mut take = self.take.key(self.key(issuer, subject));
        take.arg(self.interval_us).arg(self.burst).arg(PERMITS);
        let (granted, wait_us): (u32, u64) = self.redis.script(&take).await?;
        Ok(match granted {
            0 => Grant::Nothing { wait: Duration::from_micros(wait_us) },
            permits => Grant::Permits(permits),
        })
    }

    /// Of one length, whatever issuers call themselves.
    fn key(&self, issuer: &str, subject: &str) -> String {
        let digest = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject).finalize();
        let caller = u128::from_be_bytes(digest[..16].try_into().expect("a digest has 32 bytes"));
        format!("{}:limit:{caller:032x}", self.service)
    }
}
