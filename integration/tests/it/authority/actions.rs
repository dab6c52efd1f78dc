//! Every action that changes something which exists, by everybody who might try.

use client::NewTransaction;
use contract::{AccountId, Currency, TransactionId};
use integration::people::{cents, fresh_key};
use reqwest::Method;
use serde_json::json;

use crate::{
    stage::{ACCOUNTS, Stage, TRANSACTIONS, payment},
    wire::Wire,
};

const WRITES: &str = "accounts:write transactions:write";

/// Who tries: the payer, who also owns the accounts; the payee; a stranger; whoever may move any money; whoever may manage
/// any account.
const EVERYBODY: [(&str, &str); 5] =
    [("alice", ""), ("bob", ""), ("carol", ""), ("teller", "transactions:any"), ("clerk", "accounts:any")];

/// What an action is done to.
enum Target {
    Hold,
    Payment,
    Account,
    FrozenAccount,
}

/// An action, what it is done to, its body, and what each of [`EVERYBODY`] is answered.
type Row = (&'static str, Target, &'static str, [u16; 5]);

const ACTIONS: [Row; 8] = [
    ("capture", Target::Hold, "", [403, 200, 404, 200, 404]),
    ("void", Target::Hold, "", [403, 200, 404, 200, 404]),
    ("refunds", Target::Payment, "", [403, 201, 404, 201, 404]),
    ("freeze", Target::Account, "", [403, 403, 403, 403, 200]),
    ("unfreeze", Target::FrozenAccount, "", [403, 403, 403, 403, 200]),
    ("close", Target::Account, "", [200, 404, 404, 404, 200]),
    ("", Target::Account, r#"{"settings_version": 1, "name": "Rent"}"#, [200, 404, 404, 404, 200]),
    ("", Target::Account, r#"{"settings_version": 1, "min_balance": "-1"}"#, [403, 403, 403, 403, 403]),
];

/// A new one of alice's, and its path.
async fn target(stage: &Stage, target: &Target) -> String {
    let alice = stage.platform.person("alice").unwrap();
    let paid = NewTransaction::new(stage.alice, stage.bob, cents(1), Currency::EUR);
    let account = async || alice.open_account().await.unwrap().id;
    match target {
        Target::Hold => {
            let held = alice.ledger.create(&fresh_key(), &paid.held(None)).await.unwrap().id;
            format!("{TRANSACTIONS}/{held}")
        }
        Target::Payment => format!("{TRANSACTIONS}/{}", alice.ledger.create(&fresh_key(), &paid).await.unwrap().id),
        Target::Account => format!("{ACCOUNTS}/{}", account().await),
        Target::FrozenAccount => {
            let account = account().await;
            stage.bank.office.ledger.freeze_account(&fresh_key(), account).await.unwrap();
            format!("{ACCOUNTS}/{account}")
        }
    }
}

#[tokio::test]
async fn every_action_is_done_by_those_who_may_and_by_nobody_else() {
    let stage = Stage::with(1).await;
    let missing = [
        format!("{TRANSACTIONS}/{}", TransactionId::new(time::OffsetDateTime::UNIX_EPOCH, 1)),
        format!("{ACCOUNTS}/{}", AccountId::new(time::OffsetDateTime::UNIX_EPOCH, 1)),
    ];
    for (action, what, body, answers) in ACTIONS {
        for ((name, scope), wanted) in EVERYBODY.into_iter().zip(answers) {
            let wire = stage.wire_with(name, &format!("{WRITES} {scope}"));
            let path = target(&stage, &what).await;
            let before = stage.rows().await;
            let reply = ask(&wire, &path, action, body).await;
            assert_eq!(reply.status, wanted, "{action} of {path} by {name}: {reply:?}");
            if wanted >= 300 {
                assert_eq!(stage.rows().await, before, "{action} by {name}: nothing is written, not even an answer");
            }
            if wanted == 404 {
                let nothing = missing.iter().find(|missing| path[..12] == missing[..12]).unwrap();
                assert_eq!(ask(&wire, nothing, action, body).await.body, reply.body, "{action} by {name}");
            }
        }
    }
    stage.assert_in_order().await;
}

async fn ask(wire: &Wire, path: &str, action: &str, body: &str) -> crate::wire::Reply {
    match action {
        "" => wire.change(Method::PATCH, path, &fresh_key(), body.to_owned()).await,
        action => wire.post(&format!("{path}/{action}"), &fresh_key(), body.to_owned()).await,
    }
}

#[tokio::test]
async fn an_overdraft_is_given_by_whoever_may_and_used_by_the_owner() {
    let stage = Stage::with(1).await;
    let limits = stage.wire_with("clerk", &format!("{WRITES} accounts:any accounts:unlimited"));
    let path = format!("{ACCOUNTS}/{}", stage.bob);
    let body = json!({"settings_version": 1, "min_balance": "-500"}).to_string();
    let changed = limits.change(Method::PATCH, &path, "limit", body.clone()).await;
    assert_eq!((changed.status, &changed.json()["balances"]["available"]), (200, &json!("500")), "{changed:?}");
    let again = limits.change(Method::PATCH, &path, "limit", body.clone()).await;
    assert_eq!((again.replayed(), again.body), (true, changed.body));
    let stale = limits.change(Method::PATCH, &path, &fresh_key(), body).await.problem(409, "stale_settings");
    assert_eq!(stale.members["settings_version"], 2);

    let bob = stage.wire("bob");
    let pay = async |amount| bob.post(TRANSACTIONS, &fresh_key(), payment(stage.bob, stage.alice, amount)).await;
    assert_eq!(pay(400).await.status, 201);
    pay(101).await.problem(422, "insufficient_funds");
    let back = json!({"settings_version": 2, "min_balance": "-399"}).to_string();
    bob.change(Method::PATCH, &path, &fresh_key(), back).await.problem(403, "forbidden");
    let above = json!({"settings_version": 2, "min_balance": "0", "name": null, "metadata": {"a": "b"}}).to_string();
    bob.change(Method::PATCH, &path, &fresh_key(), above).await.problem(422, "amount_out_of_range");
    let named = json!({"settings_version": 2, "name": "Giro", "metadata": {"a": "b"}}).to_string();
    let named = bob.change(Method::PATCH, &path, &fresh_key(), named).await.json();
    assert_eq!(
        (&named["name"], &named["metadata"], &named["min_balance"]),
        (&json!("Giro"), &json!({"a": "b"}), &json!("-500"))
    );
    assert_eq!(bob.get(&path).await.json(), named);
    stage.assert_in_order().await;
}
