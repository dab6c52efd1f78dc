//! Whatever is asked, in whichever order.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 5] = ["", "a", "b", "c", "d"];
const FUNDS: i64 = 400;

fn name(number: u64) -> &'static str {
    NAMES[usize::try_from(number).unwrap()]
}

static FURNISHED: LazyLock<(Ledger, Vec<Transaction>)> = LazyLock::new(furnish);

fn furnished() -> Ledger {
    again(&FURNISHED.0)
}

/// Four accounts with 100 each, and between each two of them a hold and a payment of 7.
fn furnish() -> (Ledger, Vec<Transaction>) {
    let pairs = (1..5).flat_map(|from| (1..5).filter(move |to| *to != from).map(move |to| (from, to)));
    let commands: Vec<_> = pairs
        .enumerate()
        .flat_map(|(number, (from, to))| {
            [hold(name(from), &format!("h{number}"), from, to, 7), pay(name(from), &format!("p{number}"), from, to, 7)]
        })
        .enumerate()
        .map(|(number, mut command)| {
            command.entropy.resource = u64::try_from(number).unwrap();
            command
        })
        .collect();
    after(ledger((1..5).map(|number| account(number, name(number), 100))), &commands)
}

fn any_command() -> impl Strategy<Value = Command> {
    let party = 1_u64..5;
    (0_u8..6, party.clone(), party, 1_i64..80, 0_u8..30, any::<prop::sample::Index>()).prop_map(
        |(action, from, to, amount, key, index)| {
            let (caller, key) = (name(from), key.to_string());
            let known = index.get(&FURNISHED.1);
            let part = (amount < 20).then_some(amount);
            // Half of what is asked of a transaction is asked by its payee, the rest by anybody.
            let caller_of = if amount % 2 == 0 { name_of_destination(known) } else { caller };
            match action {
                0 | 1 => pay(caller, &key, from, to, amount),
                2 => hold(caller, &key, from, to, amount),
                3 => capture(caller_of, &key, known.id, part),
                4 => void(caller_of, &key, known.id),
                _ => refund(caller_of, &key, known.id, part),
            }
        },
    )
}

fn name_of_destination(transaction: &Transaction) -> &'static str {
    name((1..5).find(|number| id(*number) == transaction.destination).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// A batch decides like the same commands one by one.
    #[test]
    fn a_batch_is_its_commands_one_by_one(commands in prop::collection::vec(any_command(), 1..60)) {
        let batch = decide(furnished(), &commands);
        let mut single = furnished();
        for (command, in_batch) in commands.iter().zip(&batch.each) {
            let mut decisions = decide(again(&single), [command]);
            let alone = decisions.each.remove(0);
            // Where the first answer is differs: in the batch, or stored.
            if matches!(in_batch, Decision::Repeated(_) | Decision::KeyReused(_)) {
                prop_assert_eq!(std::mem::discriminant(in_batch), std::mem::discriminant(&alone));
            } else {
                prop_assert_eq!(in_batch, &alone);
            }
            if matches!(alone, Decision::Applied(_) | Decision::Refused(_)) {
                let asked = command.idempotency.unwrap();
                single.answered.entry(asked.key).or_insert(asked.fingerprint);
            }
            keep(&mut single, decisions);
        }
        for account in &batch.changed {
            prop_assert_eq!(account, &single.accounts[&account.id]);
        }
        for transaction in &batch.changed_transactions {
            prop_assert_eq!(transaction, &single.transactions[&transaction.id]);
        }
    }

    /// Money is conserved, nobody is overdrawn, what is reserved is announced, sequences have no gap, times increase.
    #[test]
    fn batches_keep_the_books(commands in prop::collection::vec(any_command(), 1..60)) {
        let start = furnished();
        let mut last: BTreeMap<_, _> = start.accounts.values().map(|one| (one.id, one.clone())).collect();
        for decision in decide(start, &commands).each {
            let Decision::Applied(applied) = decision else { continue };
            let change = |of: fn(&Effect) -> MinorUnits| applied.effects.iter().map(|one| of(one).get()).sum::<i64>();
            prop_assert_eq!(change(|effect| effect.change.posted), 0);
            prop_assert_eq!(applied.effects[0].change.pending_out, applied.effects[1].change.pending_in);
            prop_assert_eq!(applied.outcome.transaction().map(|changed| changed.updated_at), Some(applied.at));
            for effect in &applied.effects {
                let account = last.get_mut(&effect.account).unwrap();
                prop_assert_eq!(effect.sequence, account.version + 1);
                prop_assert!(effect.at > account.updated_at);
                prop_assert_eq!(Ok(effect.after), account.balances_after(effect.change));
                prop_assert!(effect.after.available >= Some(MinorUnits::ZERO));
                prop_assert!(effect.after.pending_in >= MinorUnits::ZERO && effect.after.pending_out >= MinorUnits::ZERO);
                account.record(applied.event, applied.at, effect.change, effect.after);
            }
        }
        prop_assert_eq!(last.values().map(|account| account.posted.get()).sum::<i64>(), FUNDS);
        let reserved: i64 = last.values().map(|account| account.pending_out.get() - account.pending_in.get()).sum();
        prop_assert_eq!(reserved, 0);
    }
}
