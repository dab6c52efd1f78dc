//! The ledger once more, from its description and not from its code: vectors, loops and 128 bits.
//!
//! Accounts and payments are named by their place. Moments are microseconds.

mod accounts;
mod payments;

/// What a person may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    Open {
        owner: usize,
        currency: usize,
        limit: Option<i128>,
    },
    Pay {
        source: usize,
        destination: usize,
        amount: i128,
        currency: usize,
        hold: Option<Hold>,
    },
    Capture {
        payment: usize,
        amount: Option<i128>,
    },
    Void {
        payment: usize,
    },
    Expire {
        payment: usize,
    },
    Refund {
        payment: usize,
        amount: Option<i128>,
    },
    /// Of the settings that were seen, another limit if one is given.
    Update {
        account: usize,
        seen: i128,
        limit: Option<Option<i128>>,
    },
    Freeze {
        account: usize,
    },
    Unfreeze {
        account: usize,
    },
    Close {
        account: usize,
    },
}

/// Until when money is held; for a week unless said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold(pub(super) Option<i128>);

/// Who asks: a holder of accounts, or somebody who may do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Holder(usize),
    Office,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Done(Box<Event>),
    /// For a reason with this code, which is the answer from now on.
    Refused(&'static str),
    NotFound,
    Forbidden,
    /// The answer was given before.
    Again,
    KeyReused,
}

/// What is told of what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) kind: &'static str,
    pub(super) at: i128,
    pub(super) sides: Vec<Side>,
    /// The payment that it is about, as it is now.
    pub(super) payment: Option<Payment>,
}

/// What happened to one account, and what it has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) account: usize,
    pub(super) sequence: i128,
    pub(super) change: [i128; 3],
    pub(super) has: [i128; 3],
    pub(super) available: Option<i128>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) owner: usize,
    pub(super) currency: usize,
    pub(super) status: &'static str,
    pub(super) limit: Option<i128>,
    /// The version of its settings.
    pub(super) settings: i128,
    /// Posted, going out, coming in.
    pub(super) has: [i128; 3],
    pub(super) sequence: i128,
    pub(super) changed_at: i128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) source: usize,
    pub(super) destination: usize,
    pub(super) amount: i128,
    pub(super) captured: i128,
    pub(super) refunded: i128,
    pub(super) status: &'static str,
    pub(super) held_until: Option<i128>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    pub(super) accounts: Vec<Account>,
    pub(super) payments: Vec<Payment>,
    answered: Vec<(Who, u8, Ask)>,
}

impl Books {
    /// What is answered to a request under a key at this moment.
    pub(super) fn ask_under(&mut self, key: u8, who: Who, now: i128, ask: &Ask) -> Said {
        let same_key = |(of, with, other): &&(Who, u8, Ask)| {
            *of == who && *with == key && std::mem::discriminant(other) == std::mem::discriminant(ask)
        };
        if let Some((.., first)) = self.answered.iter().find(same_key) {
            return if first == ask { Said::Again } else { Said::KeyReused };
        }
        let said = self.ask(who, now, ask);
        if matches!(said, Said::Done(_) | Said::Refused(_)) {
            self.answered.push((who, key, ask.clone()));
        }
        said
    }

    /// What is answered at this moment.
    pub(super) fn ask(&mut self, who: Who, now: i128, ask: &Ask) -> Said {
        match *ask {
            Ask::Open { owner, currency, limit } => self.open(now, owner, currency, limit),
            Ask::Pay { source, destination, amount, currency, ref hold } => {
                self.pay(who, now, (source, destination), amount, currency, hold.as_ref())
            }
            Ask::Capture { payment, amount } => self.capture(who, now, payment, amount),
            Ask::Void { payment } => self.release(who, now, payment, false),
            Ask::Expire { payment } => self.release(who, now, payment, true),
            Ask::Refund { payment, amount } => self.refund(who, now, payment, amount),
            Ask::Update { account, seen, limit } => self.update(who, now, account, seen, limit),
            Ask::Freeze { account } => self.freeze(who, now, account, true),
            Ask::Unfreeze { account } => self.freeze(who, now, account, false),
            Ask::Close { account } => self.close(who, now, account),
        }
    }

    fn put_down(&mut self, at: i128, place: usize, change: [i128; 3]) -> Side {
        let account = &mut self.accounts[place];
        for (has, change) in account.has.iter_mut().zip(change) {
            *has += change;
        }
        account.sequence += 1;
        account.changed_at = at;
        Side { account: place, sequence: account.sequence, change, has: account.has, available: account.available() }
    }
}

impl Account {
    /// What may be spent; `None` is without limit.
    pub(super) fn available(&self) -> Option<i128> {
        self.limit.map(|limit| self.has[0] - self.has[1] - limit)
    }

    /// Whether everything about the account would still fit 64 bits.
    fn holds(&self, change: [i128; 3]) -> bool {
        let [posted, out, coming] = [0, 1, 2].map(|kind| self.has[kind] + change[kind]);
        let free = posted - out;
        let available = self.limit.map_or(0, |limit| free - limit);
        [posted, out, coming, free, available].into_iter().all(|number| i64::try_from(number).is_ok())
    }
}

fn may(who: Who, owner: usize) -> bool {
    who == Who::Office || who == Who::Holder(owner)
}
