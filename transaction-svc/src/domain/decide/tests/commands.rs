//! What a command says of itself before it is decided: its accounts get locked, its weight bounds the commit, and its
//! operation is a part of the digest of its idempotency key, which outlives every release.

use super::*;
use crate::domain::command::{BatchItem, OpenAccount, UpdateAccount};

#[test]
fn each_action_says_what_it_is_about() {
    let transaction = TransactionId::new(NOW, 7);
    let Action::CreateTransaction(create) = pay("alice", "", 1, 2, 5).action else { unreachable!() };
    let Action::CreateTransaction(back) = pay("bob", "", 2, 3, 5).action else { unreachable!() };
    let item = |create| BatchItem { create, entropy: Entropy { resource: 1, event: 1 } };
    let open = OpenAccount {
        owner: Owner::try_from("alice").unwrap(),
        name: None,
        currency: Currency::EUR,
        min_balance: None,
        notify: true,
        metadata: Metadata::default(),
    };
    let update = UpdateAccount { account: id(1), settings_version: 1, name: None, min_balance: None, metadata: None };
    let capture = CaptureTransaction { transaction, amount: None };
    let refund = RefundTransaction { transaction, amount: None };
    let both = vec![item(create.clone()), item(back)];
    for (action, operation, accounts, changes, weight) in [
        (Action::OpenAccount(open), "open_account", vec![], None, 1),
        (Action::CreateTransaction(create), "create_transaction", vec![1, 2], None, 1),
        (Action::CreateTransactions(both), "create_transactions", vec![1, 2, 2, 3], None, 2),
        (Action::CreateTransactions(Vec::new()), "create_transactions", vec![], None, 0),
        (Action::CaptureTransaction(capture), "capture_transaction", vec![], Some(transaction), 1),
        (Action::VoidTransaction(transaction), "void_transaction", vec![], Some(transaction), 1),
        (Action::ExpireTransaction(transaction), "expire_transaction", vec![], Some(transaction), 1),
        (Action::RefundTransaction(refund), "refund_transaction", vec![], Some(transaction), 1),
        (Action::UpdateAccount(update), "update_account", vec![1], None, 1),
        (Action::FreezeAccount(id(1)), "freeze_account", vec![1], None, 1),
        (Action::UnfreezeAccount(id(1)), "unfreeze_account", vec![1], None, 1),
        (Action::CloseAccount(id(1)), "close_account", vec![1], None, 1),
    ] {
        assert_eq!(action.operation(), operation);
        assert_eq!(
            action.accounts().collect::<Vec<_>>(),
            accounts.into_iter().map(id).collect::<Vec<_>>(),
            "{operation}"
        );
        assert_eq!(action.transaction(), changes, "{operation}");
        assert_eq!(action.weight(), weight, "{operation}");
    }
}
