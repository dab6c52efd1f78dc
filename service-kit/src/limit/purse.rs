//! The permits of one caller that this replica has at hand.
//!
//! One request at a time fetches more, and those that come meanwhile wait for what it brings. A caller who has none left
//! is told so without asking again, until there can be some.

use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};
use tokio::sync::Mutex;

use super::Name;
use super::fleet::{Fleet, Grant};
use crate::config::LimitConfig;

#[derive(Debug)]
pub(super) struct Purse {
    content: Mutex<Content>,
    /// What counts while the fleet cannot be asked.
    alone: DefaultDirectRateLimiter,
}

#[derive(Debug)]
enum Content {
    Permits(u32),
    NothingUntil(Instant),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted,
    Limited { wait: Duration },
}

impl Purse {
    pub(super) fn new(config: &LimitConfig) -> Self {
        Self { content: Mutex::new(Content::Permits(0)), alone: RateLimiter::direct(config.quota()) }
    }

    pub(super) async fn spend(&self, (issuer, subject): &Name, fleet: Option<&Fleet>) -> Verdict {
        let Some(fleet) = fleet else { return self.spend_alone() };
        let mut content = self.content.lock().await;
        match &mut *content {
            Content::Permits(permits @ 1..) => {
                *permits -= 1;
                return Verdict::Admitted;
            }
            Content::NothingUntil(moment) if *moment > Instant::now() => {
                return Verdict::Limited { wait: moment.saturating_duration_since(Instant::now()) };
            }
            Content::Permits(0) | Content::NothingUntil(_) => {}
        }
        match fleet.take(issuer, subject).await {
            Ok(Grant::Permits(permits)) => {
                *content = Content::Permits(permits - 1);
                Verdict::Admitted
            }
            Ok(Grant::Nothing { wait }) => {
                *content = Content::NothingUntil(Instant::now() + wait);
                Verdict::Limited { wait }
            }
            Err(_unanswered) => self.spend_alone(),
        }
    }

    fn spend_alone(&self) -> Verdict {
        match self.alone.check() {
            Ok(()) => Verdict::Admitted,
            Err(refused) => Verdict::Limited { wait: refused.wait_time_from(DefaultClock::default().now()) },
        }
    }
}
