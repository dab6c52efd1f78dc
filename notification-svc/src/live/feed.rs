//! The notifications of one user from a position on, as they come, until the reader has to go.
//!
//! Bounded: a feed holds one page, and reads the next one when its reader has taken that. A reader that is slow, or that
//! resumes from far behind, holds up nobody and fills no queue.

use std::{time::Duration, vec};

use contract::notification::Notification;
use futures_util::{Stream, stream::unfold};
use service_kit::telemetry;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::registry::Watch;
use crate::store::inbox::Inbox;

const PAGE: u64 = 50;
/// While the database is away.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Of one user.
#[derive(Debug)]
pub struct Feed {
    inbox: Inbox,
    watch: Watch,
    /// Everything up to here has been read.
    position: i64,
    /// Nothing is known to be beyond `position`.
    is_at_end: bool,
    page: vec::IntoIter<Notification>,
    ends_at: Instant,
    stop: CancellationToken,
}

impl Feed {
    /// What comes after `position`, until `ends_at` or until `stop` is cancelled.
    #[must_use]
    pub fn new(inbox: Inbox, watch: Watch, position: i64, ends_at: Instant, stop: CancellationToken) -> Self {
        Self { inbox, watch, position, is_at_end: false, page: Vec::new().into_iter(), ends_at, stop }
    }

    /// The notifications in the order of their positions.
    pub fn into_stream(self) -> impl Stream<Item = Notification> + Send {
        unfold(self, async |mut feed| Some((feed.next().await?, feed)))
    }

    async fn next(&mut self) -> Option<Notification> {
        let (stop, ends_at) = (self.stop.clone(), self.ends_at);
        loop {
            if stop.is_cancelled() || ends_at <= Instant::now() {
                return None;
            }
            if let Some(next) = self.page.next() {
                return Some(next);
            }
            tokio::select! {
                () = self.read() => {}
                () = stop.cancelled() => return None,
                () = sleep_until(ends_at) => return None,
            }
        }
    }

    /// Reads the next page, once there is one.
    async fn read(&mut self) {
        if self.is_at_end {
            self.watch.beyond(self.position).await;
        }
        // Before the read: what is announced while it runs is not known to be in it.
        let newest = self.watch.newest();
        match self.inbox.after(self.watch.user(), self.position, PAGE).await {
            Ok(page) => {
                self.is_at_end = (page.len() as u64) < PAGE;
                // At the end there may be muted ones, which are passed over.
                let passed = if self.is_at_end { newest } else { self.position };
                self.position = page.last().map_or(self.position, |last| last.position).max(passed);
                self.page = page.into_iter();
            }
            Err(error) => {
                tracing::warn!(cause = telemetry::chain(&error), "A stream cannot be read for now.");
                sleep(READ_AGAIN).await;
            }
        }
    }
}
