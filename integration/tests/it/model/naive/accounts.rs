//! What is asked about accounts themselves.

use super::{Account, Books, Event, Said, Who, may};

impl Books {
    pub(super) fn open(&mut self, now: i128, owner: usize, currency: usize, limit: Option<i128>) -> Said {
        self.accounts.push(Account {
            owner,
            currency,
            status: "open",
            limit,
            settings: 1,
            has: [0; 3],
            sequence: 0,
            changed_at: now,
        });
        let opened = self.accounts.len() - 1;
        let side = self.put_down(now, opened, [0; 3]);
        Said::Done(Box::new(Event { kind: "account.opened", at: now, sides: vec![side], payment: None }))
    }

    pub(super) fn update(
        &mut self,
        who: Who,
        now: i128,
        place: usize,
        seen: i128,
        limit: Option<Option<i128>>,
    ) -> Said {
        let Some(account) = self.accounts.get(place).filter(|account| may(who, account.owner)) else {
            return Said::NotFound;
        };
        if account.settings != seen {
            return Said::Refused("stale_settings");
        }
        if account.status == "closed" {
            return Said::Refused("account_closed");
        }
        let changed = Account { limit: limit.unwrap_or(account.limit), ..account.clone() };
        if changed.available().is_some_and(|available| available < 0) || !changed.holds([0; 3]) {
            return Said::Refused("amount_out_of_range");
        }
        self.change(now, place, changed, "account.updated")
    }

    pub(super) fn freeze(&mut self, who: Who, now: i128, place: usize, freezes: bool) -> Said {
        let Some(account) = self.accounts.get(place).filter(|account| may(who, account.owner)) else {
            return Said::NotFound;
        };
        if who != Who::Office {
            return Said::Forbidden;
        }
        let (from, to, kind) = match freezes {
            true => ("open", "frozen", "account.frozen"),
            false => ("frozen", "open", "account.unfrozen"),
        };
        if account.status != from {
            return Said::Refused("invalid_state");
        }
        let changed = Account { status: to, ..account.clone() };
        self.change(now, place, changed, kind)
    }

    pub(super) fn close(&mut self, who: Who, now: i128, place: usize) -> Said {
        let Some(account) = self.accounts.get(place).filter(|account| may(who, account.owner)) else {
            return Said::NotFound;
        };
        if account.status != "open" || account.has != [0; 3] {
            return Said::Refused("invalid_state");
        }
        let changed = Account { status: "closed", ..account.clone() };
        self.change(now, place, changed, "account.closed")
    }

    /// Puts the changed account in the place of the old one, with an effect that moves nothing.
    fn change(&mut self, now: i128, place: usize, changed: Account, kind: &'static str) -> Said {
        let at = now.max(changed.changed_at + 1);
        self.accounts[place] = Account { settings: changed.settings + 1, ..changed };
        let side = self.put_down(at, place, [0; 3]);
        Said::Done(Box::new(Event { kind, at, sides: vec![side], payment: None }))
    }
}
