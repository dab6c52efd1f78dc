//! Replays: events once more to the ingest, as operators ask for them.

use contract::{AccountId, EventKind, ReplayId, timestamp};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Error, Operations, Page};

/// Which events to replay, and why: those to which all of this applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NewReplay {
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    #[serde(with = "timestamp::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<EventKind>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<u32>,
    /// For the audit: 1 to 500 characters.
    pub reason: String,
}

/// Where a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayStatus {
    Planning,
    Planned,
    Running,
    Done,
    Cancelled,
    Failed,
}

/// A replay, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Replay {
    pub id: ReplayId,
    pub status: ReplayStatus,
    pub operator: String,
    pub reason: String,
    /// `None` until it is planned.
    pub plan: Option<ReplayPlan>,
    pub progress: ReplayProgress,
    #[serde(with = "timestamp")]
    pub requested_at: OffsetDateTime,
    /// Why it failed.
    pub failure: Option<String>,
}

/// What a replay would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ReplayPlan {
    /// What [`Operations::execute_replay`] has to expect.
    pub events: u64,
    /// Of these, events that were ingested before.
    pub known_events: u64,
    pub missing_notifications: u64,
    /// Messages that are no events that the service understands.
    pub undecodable: u64,
}

/// What became of the events so far: each is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ReplayProgress {
    pub events: u64,
    pub created: u64,
    pub restored: u64,
    pub unchanged: u64,
    pub conflicting: u64,
    pub refused: u64,
    /// Notifications that are there again, or for the first time.
    pub notifications: u64,
}

#[derive(Serialize)]
struct Execution {
    expect: u64,
}

impl Operations {
    /// Has a replay counted; nothing is changed by it.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn plan_replay(&self, replay: &NewReplay) -> Result<Replay, Error> {
        self.0.order("/v1/replays", replay).await
    }

    /// The newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn replays(&self, cursor: Option<&str>) -> Result<Page<Replay>, Error> {
        self.0.get("/v1/replays", &[("cursor", cursor)]).await
    }

    /// # Errors
    /// [`Error`]
    pub async fn replay(&self, id: ReplayId) -> Result<Replay, Error> {
        self.0.get(&format!("/v1/replays/{id}"), &()).await
    }

    /// Starts a replay that was planned for so many events.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn execute_replay(&self, id: ReplayId, expect: u64) -> Result<Replay, Error> {
        self.0.order(&format!("/v1/replays/{id}/execute"), &Execution { expect }).await
    }

    /// Ends a replay. What it has done stays done.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn cancel_replay(&self, id: ReplayId) -> Result<Replay, Error> {
        self.0.act(&format!("/v1/replays/{id}/cancel")).await
    }
}
