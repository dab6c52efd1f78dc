//! Random sequences of every command, some under the same keys, decided in batches, and by the naive ledger one by one.

use proptest::prelude::*;
use time::Duration;

use super::{
    naive::{Ask, Books, Hold, Who},
    stored::Stored,
};

const HOLDERS: usize = 3;
pub(super) const CURRENCIES: [&str; 2] = ["EUR", "JPY"];
/// The place of what does not exist.
pub(super) const NOWHERE: usize = usize::MAX;

/// One step of a sequence. Places are taken modulo what there is by then, and one more.
#[derive(Debug, Clone)]
struct Step {
    who: Who,
    key: u8,
    ask: Ask,
    /// The batch ends before this, and time goes by: so many microseconds.
    pause: Option<i64>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decisions_are_those_of_a_naive_ledger(steps in prop::collection::vec(step(), 1..40)) {
        let (mut stored, mut books) = (Stored::new(), Books::default());
        let mut batch = Vec::new();
        for Step { who, key, ask, pause } in prelude().into_iter().chain(steps) {
            let ask = located(ask, &books, stored.now());
            if pause.is_some() || stored.misses(&ask) {
                stored.carry_out(&mut batch)?;
                stored.ledger.now += Duration::microseconds(pause.unwrap_or(0));
            }
            let who = if matches!(ask, Ask::Expire { .. }) { Who::Office } else { who };
            let said = match ask {
                Ask::Expire { .. } => books.ask(who, stored.now(), &ask),
                _ => books.ask_under(key, who, stored.now(), &ask),
            };
            batch.push((who, key, ask, said));
        }
        stored.carry_out(&mut batch)?;
        stored.assert_same(&books)?;
    }
}

/// An account without a limit for each currency, and two accounts of each holder.
fn prelude() -> Vec<Step> {
    let open = |owner, currency, limit| {
        let ask = Ask::Open { owner, currency, limit };
        Step { who: Who::Office, key: u8::MAX, ask, pause: None }
    };
    let settlement = (0..CURRENCIES.len()).map(|currency| open(HOLDERS, currency, None));
    let own = (0..HOLDERS).flat_map(|owner| (0..CURRENCIES.len()).map(move |currency| (owner, currency)));
    let steps = settlement.chain(own.map(|(owner, currency)| open(owner, currency, Some(0))));
    // Each under a key of its own.
    steps.zip(200..).map(|(step, key)| Step { key, ..step }).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![2 => Just(Who::Office), 3 => (0..HOLDERS).prop_map(Who::Holder)];
    // Mostly the next moment, sometimes beyond the end of a hold.
    let pause = prop_oneof![4 => Just(None), 2 => (0..3_i64).prop_map(Some), 1 => Just(Some(5 * 86_400_000_000))];
    (who, 0..40_u8, ask(), pause).prop_map(|(who, key, ask, pause)| Step { who, key, ask, pause })
}

fn ask() -> impl Strategy<Value = Ask> {
    let place = 0..12_usize;
    let currency = 0..CURRENCIES.len();
    let amount = prop_oneof![8 => 1..100_i128, 1 => (i64::MAX / 2) as i128..=i64::MAX as i128];
    let part = prop_oneof![1 => Just(None), 2 => amount.clone().prop_map(Some)];
    let limit = prop_oneof![Just(Some(0)), Just(Some(-50)), Just(Some(-i128::from(i64::MAX))), Just(None)];
    // From now, in microseconds.
    let until = prop_oneof![4 => Just(None), 2 => (-1..5_i128).prop_map(Some), 1 => Just(Some(366 * 86_400_000_000))];
    let hold = prop_oneof![1 => Just(None), 1 => until.prop_map(|until| Some(Hold(until)))];
    prop_oneof![
        1 => (0..HOLDERS, currency.clone(), limit.clone())
            .prop_map(|(owner, currency, limit)| Ask::Open { owner, currency, limit }),
        8 => (place.clone(), place.clone(), amount, currency, hold).prop_map(
            |(source, destination, amount, currency, hold)| Ask::Pay { source, destination, amount, currency, hold }
        ),
        4 => (place.clone(), part.clone()).prop_map(|(payment, amount)| Ask::Capture { payment, amount }),
        1 => place.clone().prop_map(|payment| Ask::Void { payment }),
        1 => place.clone().prop_map(|payment| Ask::Expire { payment }),
        1 => (place.clone(), prop_oneof![3 => Just(0), 1 => Just(-1)], prop::option::of(limit.clone())).prop_map(
            |(account, seen, limit)| Ask::Update { account, seen, limit }
        ),
        1 => place.clone().prop_map(|account| Ask::Freeze { account }),
        1 => place.clone().prop_map(|account| Ask::Unfreeze { account }),
        1 => place.clone().prop_map(|account| Ask::Close { account }),
        4 => (place, part).prop_map(|(payment, amount)| Ask::Refund { payment, amount }),
    ]
}

/// The same about what there is now, or about nothing, and with a moment for the end of a hold.
fn located(mut ask: Ask, books: &Books, now: i128) -> Ask {
    let locate = |place: &mut usize, count: usize| {
        *place %= count + 1;
        if *place == count {
            *place = NOWHERE;
        }
    };
    match &mut ask {
        Ask::Open { .. } => {}
        Ask::Pay { source, destination, hold, .. } => {
            locate(source, books.accounts.len());
            locate(destination, books.accounts.len());
            if let Some(Hold(Some(until))) = hold {
                *until += now;
            }
        }
        Ask::Capture { payment, .. }
        | Ask::Void { payment }
        | Ask::Expire { payment }
        | Ask::Refund { payment, .. } => locate(payment, books.payments.len()),
        Ask::Freeze { account } | Ask::Unfreeze { account } | Ask::Close { account } => {
            locate(account, books.accounts.len());
        }
        Ask::Update { account, seen, .. } => {
            locate(account, books.accounts.len());
            *seen += books.accounts.get(*account).map_or(1, |account| account.settings);
        }
    }
    ask
}
