//! Who has a stream open in this process, and what each is waiting for. What is stored for one user wakes the streams of
//! that user and of nobody else.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How many streams a user may have open here.
pub const STREAMS_PER_USER: usize = 8;

/// The open streams of a process. Clones share them.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    users: Mutex<HashMap<Arc<str>, Watched>>,
    /// Held by each stream.
    places: Arc<Semaphore>,
    open: IntGauge,
}

/// Why there is no place for one more stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    #[error("{STREAMS_PER_USER} streams of this user are open")]
    OfUser,
    #[error("all streams that this process may have are open")]
    AtAll,
}

#[derive(Debug)]
struct Watched {
    /// The highest position that was announced since the first of these streams was opened.
    newest: watch::Sender<i64>,
    streams: usize,
}

/// One open stream's place in the registry; it is given up on drop.
#[derive(Debug)]
pub struct Watch {
    registry: Registry,
    user: Arc<str>,
    newest: watch::Receiver<i64>,
    _place: OwnedSemaphorePermit,
}

impl Registry {
    /// For at most so many streams; `open` shows how many there are.
    #[must_use]
    pub fn new(capacity: usize, open: IntGauge) -> Self {
        let places = Arc::new(Semaphore::new(capacity.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { users: Mutex::default(), places, open }))
    }

    /// A place for one more stream of this user.
    ///
    /// # Errors
    /// [`NoPlace`]
    pub fn watch(&self, user: &str) -> Result<Watch, NoPlace> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| NoPlace::AtAll)?;
        let user = Arc::from(user);
        let mut users = self.users();
        let watched =
            users.entry(Arc::clone(&user)).or_insert_with(|| Watched { newest: watch::Sender::new(0), streams: 0 });
        if watched.streams >= STREAMS_PER_USER {
            return Err(NoPlace::OfUser);
        }
        watched.streams += 1;
        self.0.open.inc();
        Ok(Watch { registry: self.clone(), user, newest: watched.newest.subscribe(), _place: place })
    }

    /// Says that the user's notifications are committed up to this position. Costs a look-up where nobody waits.
    pub fn announce(&self, user: &str, position: i64) {
        if let Some(watched) = self.users().get(user) {
            watched.newest.send_if_modified(|newest| {
                let is_news = position > *newest;
                *newest = position.max(*newest);
                is_news
            });
        }
    }

    /// The users who have a stream open.
    #[must_use]
    pub fn watched(&self) -> Vec<Arc<str>> {
        self.users().keys().cloned().collect()
    }

    fn users(&self) -> MutexGuard<'_, HashMap<Arc<str>, Watched>> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The highest position that was announced so far; 0 before the first.
    #[must_use]
    pub fn newest(&self) -> i64 {
        *self.newest.borrow()
    }

    /// Waits until something beyond this position has been announced.
    pub async fn beyond(&mut self, position: i64) {
        let announced = self.newest.wait_for(|newest| *newest > position).await.is_ok();
        debug_assert!(announced, "the registry keeps the sender as long as there is a watch");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.registry.0.open.dec();
        if let Entry::Occupied(mut watched) = self.registry.users().entry(Arc::clone(&self.user)) {
            watched.get_mut().streams -= 1;
            if watched.get().streams == 0 {
                watched.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        Registry::new(STREAMS_PER_USER + 1, IntGauge::new("open", "Open.").unwrap())
    }

    #[test]
    fn places_are_counted_by_user_and_come_back() {
        let registry = registry();
        let mut alices: Vec<_> = (0..STREAMS_PER_USER).map(|_| registry.watch("alice").unwrap()).collect();
        assert_eq!(registry.watch("alice").unwrap_err(), NoPlace::OfUser);
        let bobs = registry.watch("bob").unwrap();
        assert_eq!(registry.watch("carol").unwrap_err(), NoPlace::AtAll);
        alices.pop();
        alices.push(registry.watch("alice").unwrap());
        drop((alices, bobs));
        assert_eq!((registry.watched().len(), registry.0.open.get()), (0, 0));
    }

    #[tokio::test]
    async fn an_announcement_wakes_its_user_alone_and_never_goes_back() {
        let registry = registry();
        let (mut alice, bob) = (registry.watch("alice").unwrap(), registry.watch("bob").unwrap());
        registry.announce("alice", 7);
        registry.announce("alice", 5);
        registry.announce("carol", 1);
        alice.beyond(6).await;
        assert_eq!((alice.newest(), bob.newest(), bob.newest.has_changed().unwrap()), (7, 0, false));
    }
}
