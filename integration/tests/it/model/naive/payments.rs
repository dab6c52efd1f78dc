//! What is asked about payments.

use super::{Books, Event, Hold, Payment, Said, Who, may};

const DAY: i128 = 86_400_000_000;

impl Books {
    pub(super) fn pay(
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
        if let Some(reason) = self.stands_still(source, destination) {
            return Said::Refused(reason);
        }
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

    pub(super) fn capture(&mut self, who: Who, now: i128, place: usize, amount: Option<i128>) -> Said {
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
        if let Some(reason) = self.stands_still(payment.source, payment.destination) {
            return Said::Refused(reason);
        }
        let changes = [[-captured, -held, 0], [captured, 0, -held]];
        self.move_money("transaction.posted", at, place, Payment { status: "posted", captured, ..payment }, changes)
    }

    pub(super) fn release(&mut self, who: Who, now: i128, place: usize, expires: bool) -> Said {
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

    pub(super) fn refund(&mut self, who: Who, now: i128, place: usize, amount: Option<i128>) -> Said {
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
        if let Some(reason) = self.stands_still(payment.source, payment.destination) {
            return Said::Refused(reason);
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

    /// Why no money may move between two accounts.
    fn stands_still(&self, source: usize, destination: usize) -> Option<&'static str> {
        let statuses = [source, destination].map(|place| self.accounts[place].status);
        statuses.into_iter().find(|status| *status != "open").map(|status| match status {
            "frozen" => "account_frozen",
            _ => "account_closed",
        })
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

    /// When the next thing happens to both: each account's times increase.
    fn moment(&self, now: i128, source: usize, destination: usize) -> i128 {
        let after = |place: usize| self.accounts[place].changed_at + 1;
        now.max(after(source)).max(after(destination))
    }
}
