//! Who may do what: everybody with their own, the back office with anybody's, and nobody sees another's balance.

mod actions;

use contract::{AccountId, TransactionId};
use integration::people::{cents, fresh_key};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    stage::{ACCOUNTS, FUNDS, Stage, TRANSACTIONS, account, payment},
    wire::{Reply, Wire},
};

/// Recognisable wherever it appears.
const BOBS_FUNDS: i64 = 987_654_321;
const BOBS_DIGITS: &str = "987654";

fn account_with_limit(owner: &str, min_balance: Value) -> String {
    json!({"owner": owner, "currency": "EUR", "min_balance": min_balance}).to_string()
}

/// The ids on the first page of a list.
fn ids(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{reply:?}");
    let listed = reply.json()["data"].as_array().unwrap().clone();
    listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn accounts_belong_to_their_owners_and_the_back_office() {
    let stage = Stage::with(1).await;
    accounts_are_read_and_listed(&stage).await;
    accounts_are_opened(&stage).await;
}

async fn accounts_are_opened(stage: &Stage) {
    let before = stage.rows().await;
    let open = async |wire: &Wire, body: String| wire.post(ACCOUNTS, &fresh_key(), body).await;
    let alice = stage.wire("alice");
    let clerk = stage.wire_with("clerk", "accounts:write accounts:any");
    let debtor = stage.wire_with("debtor", "accounts:write accounts:unlimited");

    for (wire, body, scope) in [
        (&alice, account("bob"), "accounts:any"),
        (&alice, account("nobody"), "accounts:any"),
        (&debtor, account_with_limit("bob", "0".into()), "accounts:any"),
        (&alice, account_with_limit("alice", "-1".into()), "accounts:unlimited"),
        (&alice, account_with_limit("alice", Value::Null), "accounts:unlimited"),
        (&clerk, account_with_limit("bob", (-1).into()), "accounts:unlimited"),
        (&clerk, account_with_limit("bob", Value::Null), "accounts:unlimited"),
    ] {
        let problem = open(wire, body.clone()).await.problem(403, "forbidden");
        assert_eq!(problem.members["scope"], scope, "{body}");
    }
    assert_eq!(stage.rows().await, before);

    for (wire, body, limit) in [
        (&clerk, account("carol"), json!("0")),
        (&debtor, account_with_limit("debtor", "-1".into()), json!("-1")),
        (&stage.office(), account_with_limit("carol", Value::Null), Value::Null),
    ] {
        let opened = open(wire, body).await;
        assert_eq!((opened.status, &opened.json()["min_balance"]), (201, &limit));
    }
}

async fn accounts_are_read_and_listed(stage: &Stage) {
    let (alice, bob) = (stage.wire("alice"), stage.wire("bob"));
    let path = |id: AccountId| format!("{ACCOUNTS}/{id}");
    let missing = AccountId::new(OffsetDateTime::UNIX_EPOCH, 1);

    assert_eq!(alice.get(&path(stage.alice)).await.json()["balances"]["posted"], FUNDS.to_string());
    assert_eq!(stage.office().get(&path(stage.alice)).await.status, 200);
    let nothing = alice.get(&path(missing)).await;
    nothing.problem(404, "not_found");
    for stranger in [&bob, &stage.wire_with("bob", "accounts:read transactions:any notifications:any")] {
        assert_eq!(stranger.get(&path(stage.alice)).await.body, nothing.body);
    }

    assert_eq!(ids(&alice.get(ACCOUNTS).await), [stage.alice.to_string()]);
    assert_eq!(ids(&alice.get(&format!("{ACCOUNTS}?owner=alice")).await), [stage.alice.to_string()]);
    assert_eq!(ids(&stage.office().get(&format!("{ACCOUNTS}?owner=bob")).await), [stage.bob.to_string()]);
    let refused = alice.get(&format!("{ACCOUNTS}?owner=bob")).await;
    refused.problem(403, "forbidden");
    assert_eq!(alice.get(&format!("{ACCOUNTS}?owner=nobody")).await.body, refused.body);
}

#[tokio::test]
async fn a_payment_is_known_to_its_parties_and_nobody_sees_anothers_balance() {
    let stage = Stage::with(1).await;
    let funding = stage.bank.fund(stage.bob, cents(BOBS_FUNDS)).await.unwrap().id;
    payments_are_read_and_listed(&stage, funding).await;
    money_is_spent(&stage).await;
}

async fn payments_are_read_and_listed(stage: &Stage, funding: TransactionId) {
    let (alice, bob, carol) = (stage.wire("alice"), stage.wire("bob"), stage.wire("carol"));
    let teller = stage.wire_with("teller", "transactions:read transactions:write transactions:any");
    let paid = alice.post(TRANSACTIONS, &fresh_key(), payment(stage.alice, stage.bob, 7)).await;
    let path = paid.header("Location").unwrap();

    let side = |account: AccountId, amount: &str| json!({"account": account, "amount": amount});
    let full = |account: AccountId, amount: &str, sequence: i64, after: i64| {
        json!({"account": account, "amount": amount, "sequence": sequence,
               "posted_after": after.to_string(), "available_after": after.to_string()})
    };
    let (payer, payee) = (side(stage.alice, "-7"), side(stage.bob, "7"));
    let full_payer = full(stage.alice, "-7", 3, FUNDS - 7);
    let full_payee = full(stage.bob, "7", 3, BOBS_FUNDS + 7);
    for (reader, reply, effects) in [
        ("alice, who paid", paid.clone(), json!([full_payer, payee])),
        ("alice", alice.get(path).await, json!([full_payer, payee])),
        ("bob", bob.get(path).await, json!([payer, full_payee])),
        ("the office", stage.office().get(path).await, json!([full_payer, full_payee])),
        ("the teller", teller.get(path).await, json!([payer, payee])),
    ] {
        assert_eq!(reply.json()["effects"], effects, "{reader}");
    }
    let nothing = carol.get(&format!("{TRANSACTIONS}/{}", TransactionId::new(OffsetDateTime::UNIX_EPOCH, 1))).await;
    nothing.problem(404, "not_found");
    assert_eq!(carol.get(path).await.body, nothing.body);
    let funding = bob.get(&format!("{TRANSACTIONS}/{funding}")).await.json();
    assert_eq!(funding["effects"][0].as_object().unwrap().len(), 2, "the bank's balance is its own: {funding}");

    // Lists show no more than reading one by one.
    let id = path.rsplit('/').next().unwrap().to_owned();
    let listed = alice.get(TRANSACTIONS).await;
    assert_eq!(listed.json()["data"][0]["effects"], json!([full_payer, payee]));
    assert!(!listed.body.contains(BOBS_DIGITS), "bob's balance: {}", listed.body);
    assert_eq!(ids(&carol.get(TRANSACTIONS).await), [""; 0]);
    assert_eq!(ids(&bob.get(&format!("{TRANSACTIONS}?account={}", stage.bob)).await)[0], id);
    assert_eq!(ids(&teller.get(&format!("{TRANSACTIONS}?account={}", stage.bob)).await)[0], id);
    let foreign = bob.get(&format!("{TRANSACTIONS}?account={}", stage.alice)).await;
    foreign.problem(404, "not_found");
    let missing = AccountId::new(OffsetDateTime::UNIX_EPOCH, 1);
    assert_eq!(bob.get(&format!("{TRANSACTIONS}?account={missing}")).await.body, foreign.body);
}

async fn money_is_spent(stage: &Stage) {
    let pay = async |wire: &Wire, body: String| wire.post(TRANSACTIONS, &fresh_key(), body).await;
    let teller = stage.wire_with("teller", "transactions:write transactions:any");
    let too_much = payment(stage.bob, stage.alice, 2 * BOBS_FUNDS);

    let spent = pay(&stage.wire("alice"), payment(stage.bob, stage.alice, 1)).await;
    let too_much_of_anothers = pay(&stage.wire("alice"), too_much.clone()).await;
    spent.problem(422, "unknown_account");
    assert_eq!(too_much_of_anothers.body, spent.body);
    let accounts_only = stage.wire_with("clerk", "transactions:write accounts:any accounts:unlimited");
    assert_eq!(pay(&accounts_only, payment(stage.bob, stage.alice, 1)).await.body, spent.body);

    let paid = pay(&teller, payment(stage.bob, stage.alice, 1)).await;
    assert_eq!(paid.json()["effects"][0], json!({"account": stage.bob, "amount": "-1"}));
    let refused = pay(&teller, too_much.clone()).await;
    let problem = refused.problem(422, "insufficient_funds");
    assert_eq!(problem.members.get("available"), None);
    assert!(!refused.body.contains(BOBS_DIGITS), "{}", refused.body);
    for reader in [stage.wire("bob"), stage.office()] {
        let problem = pay(&reader, too_much.clone()).await.problem(422, "insufficient_funds");
        assert_eq!(problem.members["available"], (BOBS_FUNDS + 7 - 1).to_string());
    }
}
