//! The ledger once more, from its description and not from its code: vectors, loops and 128 bits.
//!
//! Accounts and payments are named by their place. Moments are microseconds.

/// What a person may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    Open { owner: usize, currency: usize, limit: Option<i128> },
    Pay { source: usize, destination: usize, amount: i128, currency: usize, hold: Option<Hold> },
    Capture { payment: usize, amount: Option<i128> },
    Void { payment: usize },
    Expire { payment: usize },
    Refund { payment: usize, amount: Option<i128> },
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
    pub(super) limit: Option<i128>,
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

const DAY: i128 = 86_400_000_000;

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
        }
    }

    fn open(&mut self, now: i128, owner: usize, currency: usize, limit: Option<i128>) -> Said {
        self.accounts.push(Account { owner, currency, limit, has: [0; 3], sequence: 0, changed_at: now });
        let opened = self.accounts.len() - 1;
        let side = self.put_down(now, opened, [0; 3]);
        Said::Done(Box::new(Event { kind: "account.opened", at: now, sides: vec![side], payment: None }))
    }

    fn pay(
        &mut self,
        who: Who,
        now: i128,
        (source, destination): (usize, usize),
        amount: i128,
        currency: usize,
        hold: Option<&Hold>,
    ) -> Said {
        if source == destination {
            return Said::Refused("same_account");
        }
        let unknown = Said::Refused("unknown_account");
        let Some(payer) = self.accounts.get(source) else { return unknown };
        if !may(who, payer.owner) {
            return unknown;
        }
        let Some(payee) = self.accounts.get(destination) else { return unknown };
        if payer.currency != currency || payee.currency != currency {
            return Said::Refused("currency_mismatch");
        }
        if payer.available().is_some_and(|available| available < amount) {
            return Said::Refused("insufficient_funds");
        }
        let at = self.moment(now, source, destination);
        let held_until = hold.map(|hold| hold.0.unwrap_or(at + 7 * DAY));
        if held_until.is_some_and(|end| end <= at || end > at + 365 * DAY) {
            return Said::Refused("expiry_out_of_range");
        }
        let payment = Payment {
            source,
            destination,
            amount,
            captured: if hold.is_some() { 0 } else { amount },
            refunded: 0,
            status: if hold.is_some() { "pending" } else { "posted" },
            held_until,
        };
        let (kind, changes) = match hold {
            Some(_) => ("transaction.pending", [[0, amount, 0], [0, 0, amount]]),
            None => ("transaction.posted", [[-amount, 0, 0], [amount, 0, 0]]),
        };
        let place = self.payments.len();
        self.move_money(kind, at, place, payment, changes)
    }

    fn capture(&mut self, who: Who, now: i128, place: usize, amount: Option<i128>) -> Said {
        let payment = match self.of_payee(who, place) {
            Ok(payment) => payment,
            Err(said) => return said,
        };
        let at = self.moment(now, payment.source, payment.destination);
        if payment.status != "pending" || payment.held_until.is_some_and(|end| end <= at) {
            return Said::Refused("invalid_state");
        }
        let (held, captured) = (payment.amount, amount.unwrap_or(payment.amount));
        if captured > held {
            return Said::Refused("amount_out_of_range");
        }
        let changes = [[-captured, -held, 0], [captured, 0, -held]];
        self.move_money("transaction.posted", at, place, Payment { status: "posted", captured, ..payment }, changes)
    }

    fn release(&mut self, who: Who, now: i128, place: usize, expires: bool) -> Said {
        let payment = match self.of_payee(who, place) {
            Ok(payment) => payment,
            Err(said) => return said,
        };
        let at = self.moment(now, payment.source, payment.destination);
        let is_over = payment.held_until.is_some_and(|end| end <= at);
        if payment.status != "pending" || (expires && !is_over) {
            return Said::Refused("invalid_state");
        }
        let (kind, status) =
            if expires { ("transaction.expired", "expired") } else { ("transaction.voided", "voided") };
        let changes = [[0, -payment.amount, 0], [0, 0, -payment.amount]];
        self.move_money(kind, at, place, Payment { status, ..payment }, changes)
    }

    fn refund(&mut self, who: Who, now: i128, place: usize, amount: Option<i128>) -> Said {
        let payment = match self.of_payee(who, place) {
            Ok(payment) => payment,
            Err(said) => return said,
        };
        if matches!(payment.status, "pending" | "voided" | "expired") {
            return Said::Refused("invalid_state");
        }
        let rest = payment.captured - payment.refunded;
        let amount = amount.unwrap_or(rest);
        if amount > rest || rest == 0 {
            return Said::Refused("exceeds_captured");
        }
        if self.accounts[payment.destination].available().is_some_and(|available| available < amount) {
            return Said::Refused("insufficient_funds");
        }
        let at = self.moment(now, payment.source, payment.destination);
        let refunded = payment.refunded + amount;
        let status = if refunded == payment.captured { "refunded" } else { "partially_refunded" };
        let changes = [[amount, 0, 0], [-amount, 0, 0]];
        self.move_money("transaction.refunded", at, place, Payment { status, refunded, ..payment }, changes)
    }

    /// The payment, for whoever may decide about it.
    fn of_payee(&self, who: Who, place: usize) -> Result<Payment, Said> {
        let payment = self.payments.get(place).ok_or(Said::NotFound)?;
        if may(who, self.accounts[payment.destination].owner) {
            Ok(payment.clone())
        } else if may(who, self.accounts[payment.source].owner) {
            Err(Said::Forbidden)
        } else {
            Err(Said::NotFound)
        }
    }

    /// Changes the source and the destination of a payment, or neither.
    fn move_money(
        &mut self,
        kind: &'static str,
        at: i128,
        place: usize,
        payment: Payment,
        [debit, credit]: [[i128; 3]; 2],
    ) -> Said {
        let sides = [(payment.source, debit), (payment.destination, credit)];
        if sides.iter().any(|(account, change)| !self.accounts[*account].holds(*change)) {
            return Said::Refused("amount_out_of_range");
        }
        let sides = sides.map(|(account, change)| self.put_down(at, account, change)).to_vec();
        if place == self.payments.len() {
            self.payments.push(payment.clone());
        } else {
            self.payments[place] = payment.clone();
        }
        Said::Done(Box::new(Event { kind, at, sides, payment: Some(payment) }))
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

    /// When the next thing happens to both: each account's times increase.
    fn moment(&self, now: i128, source: usize, destination: usize) -> i128 {
        let after = |place: usize| self.accounts[place].changed_at + 1;
        now.max(after(source)).max(after(destination))
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
