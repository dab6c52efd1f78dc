//! Accounts themselves: opened, changed, frozen, freed, closed.

use super::*;
use crate::domain::{
    command::{OpenAccount, UpdateAccount},
    text::AccountName,
};

fn update(subject: &str, settings_version: i64, min_balance: Option<Option<i64>>) -> Command {
    let update = UpdateAccount {
        account: id(1),
        settings_version,
        name: None,
        min_balance: min_balance.map(|limit| limit.map(MinorUnits::new)),
        metadata: None,
    };
    command(subject, "u", Action::UpdateAccount(update))
}

fn by_the_back_office(mut command: Command) -> Command {
    command.caller.any_account = true;
    command
}

fn with_status(status: AccountStatus, posted: i64) -> Ledger {
    let mut account = account(1, "alice", posted);
    account.status = status;
    ledger([account])
}

#[test]
fn opening_an_account_is_its_first_effect() {
    let open = OpenAccount {
        owner: Owner::try_from("alice").unwrap(),
        name: None,
        currency: Currency::EUR,
        min_balance: Some(MinorUnits::new(-500)),
        notify: true,
        metadata: Metadata::default(),
    };
    let decisions = decide(ledger([]), [&command("alice", "k", Action::OpenAccount(open))]);
    let applied = applied(&decisions.each[0]);
    assert_eq!((applied.kind, applied.effects[0].sequence), (EventKind::AccountOpened, 1));
    assert_eq!(applied.effects[0].after.available, Some(MinorUnits::new(500)));
}

#[test]
fn each_status_can_be_left_only_where_it_leads() {
    use AccountStatus::{Closed, Frozen, Open};
    type Change = fn(AccountId) -> Action;
    let changes: [(Change, AccountStatus, AccountStatus, EventKind); 3] = [
        (Action::FreezeAccount, Open, Frozen, EventKind::AccountFrozen),
        (Action::UnfreezeAccount, Frozen, Open, EventKind::AccountUnfrozen),
        (Action::CloseAccount, Open, Closed, EventKind::AccountClosed),
    ];
    for (change, from, to, kind) in changes {
        for status in AccountStatus::ALL {
            let command = by_the_back_office(command("office", "c", change(id(1))));
            let decisions = decide(with_status(status, 0), [&command]);
            if status != from {
                let wanted = Refusal::InvalidAccountState { account: id(1), status };
                assert_eq!(decisions.each, [Decision::Refused(wanted)]);
                continue;
            }
            let applied = applied(&decisions.each[0]);
            assert_eq!((applied.kind, applied.effects.len(), applied.effects[0].sequence), (kind, 1, 2));
            assert_eq!(applied.effects[0].change, Default::default());
            assert_eq!((decisions.changed[0].status, decisions.changed[0].settings_version), (to, 2));
        }
    }
}

#[test]
fn an_owner_closes_and_changes_and_does_not_freeze_and_a_stranger_finds_nothing() {
    let actions = [Action::FreezeAccount(id(1)), Action::UnfreezeAccount(id(1)), Action::CloseAccount(id(1))];
    for (action, by_owner) in actions.into_iter().zip([Some(Decision::Forbidden), Some(Decision::Forbidden), None]) {
        let decide =
            |subject| decide(with_status(AccountStatus::Open, 0), [&command(subject, "k", action.clone())]).each;
        assert_eq!(decide("mallory"), [Decision::NotFound]);
        match by_owner {
            Some(wanted) => assert_eq!(decide("alice"), [wanted]),
            None => assert!(matches!(decide("alice")[..], [Decision::Applied(_)])),
        }
    }
    let decide = |subject| decide(with_status(AccountStatus::Open, 0), [&update(subject, 1, None)]).each;
    assert_eq!(decide("mallory"), [Decision::NotFound]);
    assert!(matches!(decide("alice")[..], [Decision::Applied(_)]));
}

#[test]
fn an_account_with_money_in_it_or_on_its_way_is_not_closed() {
    let close = command("alice", "c", Action::CloseAccount(id(1)));
    assert_eq!(refusal(with_status(AccountStatus::Open, 1), &close), Refusal::AccountNotEmpty { account: id(1) });
    for payer in ["alice", "bob"] {
        let (from, to) = if payer == "alice" { (1, 2) } else { (2, 1) };
        let (held, _) = after(ledger([account(1, "alice", 5), account(2, "bob", 5)]), &[hold(payer, "h", from, to, 5)]);
        assert_eq!(refusal(held, &close), Refusal::AccountNotEmpty { account: id(1) });
    }
}

#[test]
fn settings_change_once_for_whoever_has_seen_them() {
    let commands = [update("alice", 1, Some(Some(10))), by_the_back_office(update("office", 1, Some(Some(20))))];
    let decisions = decide(ledger([account(1, "alice", 100)]), &commands);
    assert_eq!(decisions.changed[0].min_balance, Some(MinorUnits::new(10)));
    let wanted = Refusal::StaleSettings { account: id(1), settings_version: 2 };
    assert_eq!(decisions.each[1], Decision::Refused(wanted));
    assert_eq!(applied(&decisions.each[0]).effects[0].after.available, Some(MinorUnits::new(90)));
}

#[test]
fn settings_that_are_given_change_and_the_others_stay() {
    let metadata = |value: &str| Metadata::try_from(BTreeMap::from([("team".to_owned(), value.to_owned())])).unwrap();
    let before = Account {
        name: Some(AccountName::try_from("Checking".to_owned()).unwrap()),
        metadata: metadata("red"),
        ..account(1, "alice", 100)
    };
    let changed = |name: Option<Option<&str>>, metadata: Option<Metadata>| {
        let name = name.map(|name| name.map(|name| AccountName::try_from(name.to_owned()).unwrap()));
        let update = UpdateAccount { account: id(1), settings_version: 1, name, min_balance: None, metadata };
        let command = command("alice", "u", Action::UpdateAccount(update));
        decide(ledger([before.clone()]), [&command]).changed.remove(0)
    };
    let settings = |account: Account| (account.name, account.metadata, account.min_balance, account.settings_version);
    let named = |name: &str| Some(AccountName::try_from(name.to_owned()).unwrap());
    let zero = Some(MinorUnits::ZERO);
    assert_eq!(settings(changed(None, None)), (named("Checking"), metadata("red"), zero, 2));
    assert_eq!(settings(changed(Some(Some("Rent")), None)), (named("Rent"), metadata("red"), zero, 2));
    assert_eq!(settings(changed(Some(None), None)), (None, metadata("red"), zero, 2));
    assert_eq!(settings(changed(None, Some(metadata("blue")))), (named("Checking"), metadata("blue"), zero, 2));
}

#[test]
fn a_limit_stays_below_what_is_there() {
    let (held, _) = after(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &[hold("alice", "h", 1, 2, 40)]);
    after(again(&held), &[update("alice", 1, Some(Some(60)))]);
    after(again(&held), &[update("alice", 1, Some(None))]);
    let wanted = Refusal::LimitAboveBalance { account: id(1) };
    assert_eq!(refusal(again(&held), &update("alice", 1, Some(Some(61)))), wanted);
    let uncountable = Refusal::AmountOutOfRange { account: id(1) };
    assert_eq!(refusal(held, &update("alice", 1, Some(Some(i64::MIN)))), uncountable);
    let closed = Refusal::AccountClosed { account: id(1) };
    assert_eq!(refusal(with_status(AccountStatus::Closed, 0), &update("alice", 1, None)), closed);
}

#[test]
fn in_one_batch_a_frozen_account_pays_nothing_and_a_freed_one_does() {
    let freeze = by_the_back_office(command("office", "f", Action::FreezeAccount(id(1))));
    let unfreeze = by_the_back_office(command("office", "u", Action::UnfreezeAccount(id(1))));
    let commands = [freeze, pay("alice", "a", 1, 2, 1), unfreeze, pay("alice", "b", 1, 2, 1)];
    let decisions = decide(ledger([account(1, "alice", 100), account(2, "bob", 0)]), &commands);
    assert_eq!(decisions.each[1], Decision::Refused(Refusal::AccountFrozen { account: id(1) }));
    applied(&decisions.each[3]);
    assert_eq!(decisions.changed[0].version, 4);
}
