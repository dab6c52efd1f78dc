//! Which faults are done, in which order and for how long: all of it follows from the seed.
//!
//! Kinds are dealt from a shuffled deck, so that each comes once before any comes twice. What a fault meets depends on the
//! moment: the same seed does the same again, and need not find the same.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::kind::Kind;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub lasts: Duration,
    /// Decides what else there is to choose, such as the replica.
    pub choice: u32,
}

/// What goes wrong at the same time, and how long nothing does before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    pub after: Duration,
    pub faults: Vec<Fault>,
}

/// Strikes without end.
#[derive(Debug)]
pub struct Plan {
    random: SmallRng,
    kinds: Vec<Kind>,
    deck: Vec<Kind>,
    longest_outage: Duration,
}

const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How likely it is that two things go wrong at once.
const TOGETHER: f64 = 0.25;

impl Plan {
    /// What this seed makes of these kinds. NATS and Redis may be away for so long; everything else is shorter.
    #[must_use]
    pub fn new(seed: u64, kinds: Vec<Kind>, longest_outage: Duration) -> Self {
        Self { random: SmallRng::seed_from_u64(seed), kinds, deck: Vec::new(), longest_outage }
    }

    fn deal(&mut self) -> Option<Kind> {
        if self.deck.is_empty() {
            self.deck.clone_from(&self.kinds);
            self.deck.shuffle(&mut self.random);
        }
        self.deck.pop()
    }

    fn fault(&mut self, kind: Kind) -> Fault {
        // Mostly short ones: three quarters of them take less than half as long as the longest.
        let lasts = kind.longest(self.longest_outage).mul_f64(self.random.random::<f64>().powi(3));
        Fault { kind, lasts, choice: self.random.random() }
    }
}

impl Iterator for Plan {
    type Item = Strike;

    fn next(&mut self) -> Option<Strike> {
        let after = LONGEST_PAUSE.mul_f64(self.random.random());
        let first = self.deal()?;
        let mut faults = vec![self.fault(first)];
        if self.random.random_bool(TOGETHER)
            && let Some(second) = self.deck.pop_if(|second| second.subject() != first.subject())
        {
            faults.push(self.fault(second));
        }
        Some(Strike { after, faults })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fault::kind::Topology;

    const OUTAGE: Duration = Duration::from_secs(30);

    #[test]
    fn a_seed_always_plans_the_same_and_another_something_else() {
        let plan = |seed| Plan::new(seed, Kind::all(Topology::Simple), OUTAGE).take(100).collect::<Vec<_>>();
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn every_kind_comes_once_before_any_comes_twice_and_never_together_with_its_like() {
        let kinds = Kind::all(Topology::Simple);
        let mut dealt = Vec::new();
        for strike in Plan::new(1, kinds.clone(), OUTAGE).take(200) {
            if let [one, other] = &strike.faults[..] {
                assert_ne!(one.kind.subject(), other.kind.subject());
            }
            dealt.extend(strike.faults.iter().map(|fault| fault.kind));
        }
        for deck in dealt.chunks_exact(kinds.len()) {
            assert_eq!(deck.iter().collect::<BTreeSet<_>>().len(), kinds.len());
        }
    }
}
