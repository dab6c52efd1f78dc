//! Replays: events of the stream, selected and counted beforehand, once more to the ingest. What was ingested before is
//! not told again; what was lost is restored as it was. The stream and its durable consumer notice nothing.
//!
//! A replay is a row, made by its plan, which fixes the range. Whoever runs it commits each batch together with how far
//! it has come, so that one that is killed anywhere goes on exactly there, and its counts add up. The row has one holder
//! at a time: one that was thought dead finds its commits refused.

mod pace;
mod plan;
mod run;
mod runner;
mod source;

use std::fmt;

use contract::{AccountId, EventKind, ReplayId, timestamp};
use messaging::range_reader::ReadError;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, macros::datetime};

pub use runner::run_requested;
pub(super) use source::Source;

use crate::{ingest::IngestError, store::error::StoreError};

/// Which events: those to which all of this applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ReplaySelection)]
pub struct Selection {
    /// Those that happened at this time or later.
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<OffsetDateTime>,
    /// Those that happened before.
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<OffsetDateTime>,
    /// From this sequence of the stream on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_sequence: Option<u64>,
    /// Up to this sequence of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_sequence: Option<u64>,
    /// Those that touch this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Those that touch an account of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Those of these types; none: of any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<EventKind>,
}

/// What a replay would do, counted when it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReplayPlan)]
pub struct Plan {
    /// Events to be replayed.
    pub events: u64,
    pub bytes: u64,
    /// Of these, events that were ingested before.
    pub known_events: u64,
    /// Notifications of these events that are not there.
    pub missing_notifications: u64,
    /// The first and the last of the events.
    pub first: Option<Place>,
    pub last: Option<Place>,
    /// Messages of the range that are no event that this build understands: they are for the dead letters.
    pub undecodable: u64,
    /// The range of the stream that was looked through.
    pub from_sequence: u64,
    pub to_sequence: u64,
    /// A stream made at another time is another stream.
    #[serde(with = "timestamp")]
    #[schema(value_type = String, format = DateTime)]
    pub stream_created_at: OffsetDateTime,
}

/// An event's place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReplayPlace)]
pub struct Place {
    pub sequence: u64,
    #[serde(with = "timestamp")]
    #[schema(value_type = String, format = DateTime)]
    pub time: OffsetDateTime,
}

/// How far a replay has come: each event is counted once, under what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReplayProgress)]
pub struct Progress {
    /// The sum of those below.
    pub events: u64,
    /// Were not known.
    pub created: u64,
    /// Were known, and lacked notifications.
    pub restored: u64,
    /// Were known and complete: nothing was changed.
    pub unchanged: u64,
    /// Have other bytes than those that were ingested under their id.
    pub conflicting: u64,
    /// Are older than what is remembered, or cannot be stored.
    pub refused: u64,
    /// Notifications that are there again, or for the first time.
    pub notifications: u64,
}

/// In which process a replay is planned and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunsIn {
    Command,
    Service,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReplayStatus)]
pub enum Status {
    Planning,
    Planned,
    Running,
    Done,
    Cancelled,
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planning => "planning",
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        })
    }
}

/// A replay: what it is to do, how far it has come, who wanted it, and why.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(examples(json!({
    "id": ReplayId::new(datetime!(2026-11-23 07:00:00 UTC), 0x5eed_0006), "status": "done",
    "selection": {"since": "2026-11-23T06:00:00.000000Z", "user": "alice"}, "events_per_second": null,
    "operator": "olga", "reason": "alice saw nothing",
    "plan": {
        "events": 12, "bytes": 13_200, "known_events": 11, "missing_notifications": 2,
        "first": {"sequence": 41, "time": "2026-11-23T06:15:37.200000Z"},
        "last": {"sequence": 57, "time": "2026-11-23T06:58:12.000000Z"}, "undecodable": 0,
        "from_sequence": 40, "to_sequence": 60, "stream_created_at": "2026-11-02T09:00:00.000000Z"
    },
    "checkpoint": 60,
    "progress": {
        "events": 12, "created": 1, "restored": 0, "unchanged": 11, "conflicting": 0, "refused": 0, "notifications": 2
    },
    "requested_at": "2026-11-23T07:00:00.000000Z", "started_at": "2026-11-23T07:01:00.000000Z",
    "finished_at": "2026-11-23T07:01:01.000000Z", "failure": null
})))]
pub struct Replay {
    pub id: ReplayId,
    pub status: Status,
    pub selection: Selection,
    /// `null`: as fast as possible.
    pub events_per_second: Option<u32>,
    pub operator: String,
    pub reason: String,
    /// `null` until it is planned.
    pub plan: Option<Plan>,
    /// Everything up to this sequence of the stream is done.
    pub checkpoint: u64,
    pub progress: Progress,
    #[serde(with = "timestamp")]
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: OffsetDateTime,
    #[serde(with = "timestamp::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<OffsetDateTime>,
    #[serde(with = "timestamp::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<OffsetDateTime>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Why a replay does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("there is no such replay")]
    Unknown,
    #[error("the replay is {0}, and this cannot be done to it")]
    WrongStatus(Status),
    #[error("the plan is for {planned} events, not {expected}: look at it again")]
    NotAsExpected { planned: u64, expected: u64 },
    #[error("another process runs the replay")]
    Held,
    #[error("the stream was made anew since the replay was planned")]
    AnotherStream,
    #[error("the stream cannot be read")]
    Stream(#[from] ReadError),
    #[error("the events cannot be stored at present")]
    Ingest(#[from] IngestError),
    #[error("the replays cannot be reached")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ReplayError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
