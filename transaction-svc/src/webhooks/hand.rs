//! What a process has leased: who is sent to next, how many requests may be under way, and how much more to lease.
//!
//! Pure. Endpoints take turns, so that one with a long queue holds up no other; one that answers slowly occupies its own
//! places only. What could not be begun while its lease was young is handed back.

use std::collections::{HashMap, HashSet, VecDeque};

use contract::WebhookEndpointId;
use tokio::time::Instant;

use crate::store::webhooks::queue::Room;

/// Requests under way in all.
const MAX_SENDING: usize = 256;
/// How much is leased ahead of what is under way, as a multiple of an endpoint's places.
const AHEAD: usize = 8;
/// What is leased in all.
const MAX_LEASED: usize = 4_096;

/// How many requests to one endpoint may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) of_others: usize,
    pub(super) of_configured: usize,
}

/// Something leased, to be begun before its time is up.
#[derive(Debug)]
pub(super) struct Ready<T> {
    pub(super) endpoint: WebhookEndpointId,
    pub(super) is_configured: bool,
    pub(super) begin_by: Instant,
    pub(super) what: T,
}

#[derive(Debug)]
struct Queue<T> {
    places: usize,
    sending: usize,
    waiting: VecDeque<Ready<T>>,
}

impl<T> Queue<T> {
    fn room(&self) -> usize {
        (self.places * AHEAD).saturating_sub(self.sending + self.waiting.len())
    }
}

#[derive(Debug)]
pub(super) struct Hand<T> {
    places: Places,
    queues: HashMap<WebhookEndpointId, Queue<T>>,
    /// Endpoints with something that waits and a free place, in turn.
    turns: VecDeque<WebhookEndpointId>,
    /// Endpoints of which more is due than is in hand.
    more_due: HashSet<WebhookEndpointId>,
    sending: usize,
    leased: usize,
}

/// What is next.
#[derive(Debug)]
pub(super) enum Next<T> {
    Send(T),
    /// Leased too long ago.
    GiveBack(T),
}

impl<T> Hand<T> {
    pub(super) fn new(places: Places) -> Self {
        Self { places, queues: HashMap::new(), turns: VecDeque::new(), more_due: HashSet::new(), sending: 0, leased: 0 }
    }

    /// How much may be leased now.
    pub(super) fn room(&self) -> Room {
        let count = |room: usize| i32::try_from(room).unwrap_or(i32::MAX);
        Room {
            of_known: self.queues.iter().map(|(endpoint, queue)| (*endpoint, count(queue.room()))).collect(),
            of_others: count(self.places.of_others * AHEAD),
            of_configured: count(self.places.of_configured * AHEAD),
            in_all: count(MAX_LEASED.saturating_sub(self.leased)),
        }
    }

    /// Takes what was leased for this room. Of an endpoint that filled its room, more is due.
    pub(super) fn take(&mut self, asked: &Room, leased: Vec<Ready<T>>) {
        let mut taken: HashMap<WebhookEndpointId, (i32, bool)> =
            self.more_due.iter().map(|endpoint| (*endpoint, (0, false))).collect();
        for ready in leased {
            let count = taken.entry(ready.endpoint).or_default();
            *count = (count.0 + 1, ready.is_configured);
            self.add(ready);
        }
        let fills_its_room = |(endpoint, (count, is_configured)): (WebhookEndpointId, (i32, bool))| {
            let known = asked.of_known.iter().find(|(known, _)| *known == endpoint).map(|(_, room)| *room);
            let of_new = if is_configured { asked.of_configured } else { asked.of_others };
            (count >= known.unwrap_or(of_new)).then_some(endpoint)
        };
        self.more_due = taken.into_iter().filter_map(fills_its_room).collect();
    }

    /// Whether more is due of an endpoint of which half is sent: many are leased at a time, not one for each that is sent.
    pub(super) fn runs_low(&self) -> bool {
        let is_low = |endpoint| self.queues.get(endpoint).is_none_or(|queue| queue.room() * 2 >= queue.places * AHEAD);
        self.more_due.iter().any(is_low)
    }

    fn add(&mut self, ready: Ready<T>) {
        let endpoint = ready.endpoint;
        let places = if ready.is_configured { self.places.of_configured } else { self.places.of_others };
        let queue =
            self.queues.entry(endpoint).or_insert_with(|| Queue { places, sending: 0, waiting: VecDeque::new() });
        queue.waiting.push_back(ready);
        self.leased += 1;
        self.take_turn(endpoint);
    }

    /// What to begin now; its end has to be told to [`Hand::ended`].
    pub(super) fn next(&mut self, now: Instant) -> Option<Next<T>> {
        if self.sending >= MAX_SENDING {
            return None;
        }
        let endpoint = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&endpoint)?;
        let ready = queue.waiting.pop_front()?;
        queue.sending += 1;
        self.sending += 1;
        if ready.begin_by > now {
            self.take_turn(endpoint);
            return Some(Next::Send(ready.what));
        }
        self.ended(endpoint);
        Some(Next::GiveBack(ready.what))
    }

    /// One that was begun has ended, or is not to be begun any more.
    pub(super) fn ended(&mut self, endpoint: WebhookEndpointId) {
        self.sending = self.sending.saturating_sub(1);
        self.leased = self.leased.saturating_sub(1);
        let Some(queue) = self.queues.get_mut(&endpoint) else { return };
        queue.sending = queue.sending.saturating_sub(1);
        if queue.sending == 0 && queue.waiting.is_empty() {
            self.queues.remove(&endpoint);
        } else {
            self.take_turn(endpoint);
        }
    }

    /// Everything that was not begun.
    pub(super) fn lay_down(&mut self) -> Vec<T> {
        self.turns.clear();
        let waiting: Vec<_> = self.queues.values_mut().flat_map(|queue| queue.waiting.drain(..)).collect();
        self.leased -= waiting.len();
        waiting.into_iter().map(|ready| ready.what).collect()
    }

    pub(super) const fn sending(&self) -> usize {
        self.sending
    }

    fn take_turn(&mut self, endpoint: WebhookEndpointId) {
        let may = self.queues.get(&endpoint).is_some_and(|one| one.sending < one.places && !one.waiting.is_empty());
        if may && !self.turns.contains(&endpoint) {
            self.turns.push_back(endpoint);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::*;

    fn endpoint(number: u64) -> WebhookEndpointId {
        WebhookEndpointId::new(OffsetDateTime::UNIX_EPOCH, number)
    }

    fn hand() -> Hand<u64> {
        Hand::new(Places { of_others: 2, of_configured: 64 })
    }

    fn add(hand: &mut Hand<u64>, number: u64, count: usize, begin_by: Instant) {
        for _ in 0..count {
            hand.add(Ready { endpoint: endpoint(number), is_configured: false, begin_by, what: number });
        }
    }

    fn sent(hand: &mut Hand<u64>, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| hand.next(now))
            .map(|next| match next {
                Next::Send(number) => number,
                Next::GiveBack(number) => panic!("{number} is too old"),
            })
            .collect()
    }

    #[test]
    fn endpoints_take_turns_and_keep_to_their_places() {
        let (mut hand, now) = (hand(), Instant::now());
        let later = now + Duration::from_secs(1);
        add(&mut hand, 1, 5, later);
        add(&mut hand, 2, 3, later);
        assert_eq!(sent(&mut hand, now), [1, 2, 1, 2]);
        hand.ended(endpoint(1));
        assert_eq!(sent(&mut hand, now), [1]);
        for number in [1, 1, 2, 2] {
            hand.ended(endpoint(number));
        }
        assert_eq!(sent(&mut hand, now), [1, 2, 1]);
        assert_eq!(hand.sending(), 3);
    }

    #[test]
    fn more_is_leased_once_half_of_what_was_due_is_sent() {
        let (mut hand, now) = (hand(), Instant::now());
        let later = now + Duration::from_secs(1);
        let ready =
            |count| (0..count).map(|_| Ready { endpoint: endpoint(1), is_configured: false, begin_by: later, what: 1 });
        let room = hand.room();
        assert_eq!((room.of_others, room.of_configured, room.of_known.len()), (16, 512, 0));
        hand.take(&room, ready(16).collect());
        for _ in 0..8 {
            assert!(!hand.runs_low());
            assert!(matches!(hand.next(now), Some(Next::Send(1))));
            hand.ended(endpoint(1));
        }
        assert!(hand.runs_low());
        let room = hand.room();
        assert_eq!(room.of_known, [(endpoint(1), 8)]);
        hand.take(&room, ready(7).collect());
        while hand.next(now).is_some() {
            hand.ended(endpoint(1));
        }
        assert!(!hand.runs_low(), "that was all");
    }

    #[test]
    fn what_is_leased_too_long_is_given_back_and_all_the_rest_when_it_is_laid_down() {
        let (mut hand, now) = (hand(), Instant::now());
        add(&mut hand, 1, 2, now);
        add(&mut hand, 1, 3, now + Duration::from_secs(1));
        assert!(matches!(hand.next(now), Some(Next::GiveBack(1))));
        assert!(matches!(hand.next(now), Some(Next::GiveBack(1))));
        assert_eq!(sent(&mut hand, now), [1, 1]);
        assert_eq!(hand.lay_down(), [1]);
        assert_eq!(hand.sending(), 2);
        hand.ended(endpoint(1));
        hand.ended(endpoint(1));
        assert_eq!((hand.sending(), hand.leased, hand.queues.len()), (0, 0, 0));
    }

    #[test]
    fn no_more_are_under_way_in_all_than_may_be() {
        let (mut hand, now) = (hand(), Instant::now());
        for number in 0..200 {
            add(&mut hand, number, 2, now + Duration::from_secs(1));
        }
        assert_eq!(sent(&mut hand, now).len(), MAX_SENDING);
        hand.ended(endpoint(0));
        assert_eq!(sent(&mut hand, now).len(), 1);
    }
}
