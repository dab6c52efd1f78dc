//! The ledger that `decide` works on, and the translation between its words and those of the naive one.

use std::collections::{BTreeMap, HashMap};

use contract::{AccountId, Amount, Currency, MinorUnits, TransactionId};
use proptest::{prelude::TestCaseError, prop_assert_eq};
use time::{Duration, OffsetDateTime};
use transaction_svc::{
    domain::{
        command::{
            Action, Caller, CaptureTerms, CaptureTransaction, Command, CreateTransaction, Entropy, OpenAccount,
            RefundTransaction, UpdateAccount,
        },
        decide::{Applied, Decision, Ledger, Missing, Outcome, decide},
        fingerprint::fingerprint,
        idempotency::{Idempotency, KeyDigest},
        text::{Metadata, Owner},
        transaction::{Actor, Transaction},
    },
    problem,
};

use super::{
    decisions::{CURRENCIES, NOWHERE},
    naive::{Account, Ask, Books, Event, Hold, Payment, Said, Side, Who},
};

/// The ledger that `decide` works on, and where the naive one has the same things.
pub(super) struct Stored {
    pub(super) ledger: Ledger,
    accounts: Vec<AccountId>,
    payments: Vec<TransactionId>,
    commands: u64,
}

impl Stored {
    pub(super) fn new() -> Self {
        let ledger = Ledger {
            now: OffsetDateTime::UNIX_EPOCH,
            accounts: BTreeMap::new(),
            missing: Missing::Unknown,
            transactions: BTreeMap::new(),
            answered: HashMap::new(),
        };
        Self { ledger, accounts: Vec::new(), payments: Vec::new(), commands: 0 }
    }

    pub(super) fn now(&self) -> i128 {
        micros(self.ledger.now)
    }

    /// Whether this names something that the current batch makes: nobody can know its id yet.
    pub(super) fn misses(&self, ask: &Ask) -> bool {
        let new = |place: usize, stored: usize| place != NOWHERE && place >= stored;
        match *ask {
            Ask::Open { .. } => false,
            Ask::Pay { source, destination, .. } => {
                [source, destination].iter().any(|one| new(*one, self.accounts.len()))
            }
            Ask::Update { account, .. }
            | Ask::Freeze { account }
            | Ask::Unfreeze { account }
            | Ask::Close { account } => new(account, self.accounts.len()),
            Ask::Capture { payment, .. }
            | Ask::Void { payment }
            | Ask::Expire { payment }
            | Ask::Refund { payment, .. } => new(payment, self.payments.len()),
        }
    }

    /// Decides the batch, stores it, and finds everything said as the naive ledger says it.
    pub(super) fn carry_out(&mut self, batch: &mut Vec<(Who, u8, Ask, Said)>) -> Result<(), TestCaseError> {
        let commands: Vec<_> = batch.iter().map(|(who, key, ask, _)| self.command(*who, *key, ask)).collect();
        let Ledger { now, accounts, missing, transactions, answered } = &self.ledger;
        let ledger = Ledger {
            now: *now,
            accounts: accounts.clone(),
            missing: *missing,
            transactions: transactions.clone(),
            answered: answered.clone(),
        };
        let decisions = decide(ledger, &commands);
        self.ledger.accounts.extend(decisions.changed.into_iter().map(|account| (account.id, account)));
        let changed = decisions.changed_transactions.into_iter().map(|transaction| (transaction.id, transaction));
        for ((decision, command), (.., ask, said)) in decisions.each.iter().zip(&commands).zip(batch.drain(..)) {
            self.keep(decision, command);
            prop_assert_eq!(self.said(decision), said, "{:?}", ask);
        }
        self.ledger.transactions.extend(changed);
        Ok(())
    }

    fn keep(&mut self, decision: &Decision, command: &Command) {
        for applied in decision.applied() {
            match &applied.outcome {
                Outcome::AccountOpened(account) => {
                    self.accounts.push(account.id);
                    // Nobody can have used it in this batch.
                    self.ledger.accounts.insert(account.id, account.clone());
                }
                Outcome::TransactionCreated(transaction) => {
                    self.payments.push(transaction.id);
                    self.ledger.transactions.insert(transaction.id, transaction.clone());
                }
                Outcome::AccountChanged(_) | Outcome::TransactionChanged(_) | Outcome::TransactionRefunded(..) => {}
            }
        }
        if let (Decision::Applied(_) | Decision::Refused(_), Some(asked)) = (decision, command.idempotency) {
            self.ledger.answered.insert(asked.key, asked.fingerprint);
        }
    }

    fn command(&mut self, who: Who, key: u8, ask: &Ask) -> Command {
        self.commands += 1;
        let action = self.action(ask);
        let subject = match who {
            Who::Holder(number) => holder(number),
            Who::Office => "office".to_owned(),
        };
        let actor = Actor { issuer: "model".into(), subject: subject.as_str().into() };
        let key = KeyDigest::new(&actor, action.operation(), &key.to_string());
        let idempotency = Idempotency { key, fingerprint: fingerprint(&action) };
        let is_office = who == Who::Office;
        Command {
            caller: Caller { actor, any_account: is_office, moves_any_money: is_office },
            idempotency: (!matches!(ask, Ask::Expire { .. })).then_some(idempotency),
            entropy: Entropy { resource: self.commands, event: self.commands },
            traceparent: None,
            action,
        }
    }

    fn action(&self, ask: &Ask) -> Action {
        let nowhere = AccountId::new(OffsetDateTime::UNIX_EPOCH, u64::MAX);
        let account = |place: usize| self.accounts.get(place).copied().unwrap_or(nowhere);
        let nothing = TransactionId::new(OffsetDateTime::UNIX_EPOCH, u64::MAX);
        let transaction = |place: usize| self.payments.get(place).copied().unwrap_or(nothing);
        let currency = |place: usize| CURRENCIES[place].parse::<Currency>().unwrap();
        match *ask {
            Ask::Open { owner, currency: held_in, limit } => Action::OpenAccount(OpenAccount {
                owner: Owner::try_from(holder(owner).as_str()).unwrap(),
                name: None,
                currency: currency(held_in),
                min_balance: limit.map(|limit| MinorUnits::new(units(limit))),
                notify: true,
                metadata: Metadata::default(),
            }),
            Ask::Pay { source, destination, amount, currency: paid_in, ref hold } => {
                let terms = hold.as_ref().map_or(CaptureTerms::Automatic, |Hold(until)| CaptureTerms::Manual {
                    expires_at: until.map(|until| OffsetDateTime::UNIX_EPOCH + Duration::microseconds(units(until))),
                });
                Action::CreateTransaction(CreateTransaction {
                    source: account(source),
                    destination: account(destination),
                    amount: Amount::new(units(amount)).unwrap(),
                    currency: currency(paid_in),
                    terms,
                    description: None,
                    reference: None,
                    metadata: Metadata::default(),
                })
            }
            Ask::Capture { payment, amount } => Action::CaptureTransaction(CaptureTransaction {
                transaction: transaction(payment),
                amount: amount.map(|amount| Amount::new(units(amount)).unwrap()),
            }),
            Ask::Void { payment } => Action::VoidTransaction(transaction(payment)),
            Ask::Expire { payment } => Action::ExpireTransaction(transaction(payment)),
            Ask::Update { account: place, seen, limit } => Action::UpdateAccount(UpdateAccount {
                account: account(place),
                settings_version: units(seen),
                name: None,
                min_balance: limit.map(|limit| limit.map(|limit| MinorUnits::new(units(limit)))),
                metadata: None,
            }),
            Ask::Freeze { account: place } => Action::FreezeAccount(account(place)),
            Ask::Unfreeze { account: place } => Action::UnfreezeAccount(account(place)),
            Ask::Close { account: place } => Action::CloseAccount(account(place)),
            Ask::Refund { payment, amount } => Action::RefundTransaction(RefundTransaction {
                transaction: transaction(payment),
                amount: amount.map(|amount| Amount::new(units(amount)).unwrap()),
            }),
        }
    }

    fn said(&self, decision: &Decision) -> Said {
        match decision {
            Decision::Applied(applied) => Said::Done(Box::new(self.event(applied))),
            Decision::AllApplied(_) => unreachable!("nothing is asked for together"),
            Decision::Refused(refusal) => Said::Refused(problem::of_refusal(refusal).kind.code),
            Decision::Repeated(_) => Said::Again,
            Decision::KeyReused(_) => Said::KeyReused,
            Decision::NotFound => Said::NotFound,
            Decision::Forbidden => Said::Forbidden,
            Decision::Busy => unreachable!("nothing is locked"),
        }
    }

    fn event(&self, applied: &Applied) -> Event {
        let sides = applied.effects.iter().map(|effect| Side {
            account: self.place(effect.account),
            sequence: effect.sequence.into(),
            change: [effect.change.posted, effect.change.pending_out, effect.change.pending_in].map(number),
            has: [effect.after.posted, effect.after.pending_out, effect.after.pending_in].map(number),
            available: effect.after.available.map(number),
        });
        Event {
            kind: applied.kind.as_str(),
            at: micros(applied.at),
            sides: sides.collect(),
            payment: applied.outcome.transaction().map(|transaction| self.payment(transaction)),
        }
    }

    fn payment(&self, transaction: &Transaction) -> Payment {
        Payment {
            source: self.place(transaction.source),
            destination: self.place(transaction.destination),
            amount: transaction.amount.get().into(),
            captured: number(transaction.captured_amount),
            refunded: number(transaction.refunded_amount),
            status: transaction.status.as_str(),
            held_until: transaction.expires_at.map(micros),
        }
    }

    fn place(&self, id: AccountId) -> usize {
        self.accounts.iter().position(|account| *account == id).unwrap()
    }

    pub(super) fn assert_same(&self, books: &Books) -> Result<(), TestCaseError> {
        let accounts = self.accounts.iter().map(|id| &self.ledger.accounts[id]).map(|account| Account {
            owner: books.accounts[self.place(account.id)].owner,
            currency: CURRENCIES.iter().position(|code| *code == account.currency.code()).unwrap(),
            status: account.status.as_str(),
            limit: account.min_balance.map(number),
            settings: account.settings_version.into(),
            has: [account.posted, account.pending_out, account.pending_in].map(number),
            sequence: account.version.into(),
            changed_at: micros(account.updated_at),
        });
        let accounts: Vec<_> = accounts.collect();
        prop_assert_eq!(&accounts, &books.accounts);
        let payments: Vec<_> = self.payments.iter().map(|id| self.payment(&self.ledger.transactions[id])).collect();
        prop_assert_eq!(&payments, &books.payments);
        for currency in 0..CURRENCIES.len() {
            let held = accounts.iter().filter(|account| account.currency == currency);
            let sum = held.fold([0; 3], |sum, account| [0, 1, 2].map(|kind| sum[kind] + account.has[kind]));
            prop_assert_eq!((sum[0], sum[1]), (0, sum[2]), "money was made or lost");
        }
        Ok(())
    }
}

fn holder(number: usize) -> String {
    format!("holder-{number}")
}

fn number(units: MinorUnits) -> i128 {
    units.get().into()
}

fn units(number: i128) -> i64 {
    number.try_into().unwrap()
}

/// Since 1970.
fn micros(moment: OffsetDateTime) -> i128 {
    moment.unix_timestamp_nanos() / 1_000
}
