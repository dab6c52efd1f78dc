//! The books: money is conserved, balances are what their effects make them, and nothing is missing in between.

use super::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "money is neither made nor lost",
        broken_by: "SELECT format('the balances in %s sum up to %s', currency, sum(posted))
                    FROM transactions.accounts GROUP BY currency HAVING sum(posted) <> 0",
    },
    Rule {
        name: "a balance is the sum of its effects",
        broken_by: "SELECT format('account %s has %s posted, and effects of %s', account.id, account.posted,
                                  coalesce(sum(effect.posted), 0))
                    FROM transactions.accounts AS account
                    LEFT JOIN transactions.effects AS effect ON effect.account_id = account.id
                    GROUP BY account.id
                    HAVING (account.posted, account.pending_out, account.pending_in)
                           <> (coalesce(sum(effect.posted), 0), coalesce(sum(effect.pending_out), 0),
                               coalesce(sum(effect.pending_in), 0))",
    },
    Rule {
        name: "an account's sequences have no gap",
        broken_by: "SELECT format('account %s is at %s and has %s effects, %s to %s', account.id, account.version,
                                  count(effect.sequence), min(effect.sequence), max(effect.sequence))
                    FROM transactions.accounts AS account
                    LEFT JOIN transactions.effects AS effect ON effect.account_id = account.id
                    GROUP BY account.id
                    HAVING (count(effect.sequence), min(effect.sequence), max(effect.sequence))
                           IS DISTINCT FROM (account.version, 1::bigint, account.version)",
    },
    Rule {
        name: "an effect goes on where the one before it ended",
        broken_by: "SELECT format('effect %s of account %s', sequence, account_id)
                    FROM (SELECT *, lag(posted_after, 1, 0::bigint) OVER in_turn AS posted_before,
                                 lag(occurred_at) OVER in_turn AS previous_at
                          FROM transactions.effects
                          WINDOW in_turn AS (PARTITION BY account_id ORDER BY sequence)) AS effect
                    WHERE posted_before + posted <> posted_after OR previous_at >= occurred_at",
    },
    Rule {
        name: "no account is spent beyond its limit",
        broken_by: "SELECT format('effect %s of account %s left %s', sequence, account_id, available_after)
                    FROM transactions.effects WHERE available_after < 0",
    },
    Rule {
        name: "a transaction moves its amount from its source to its destination",
        broken_by: "SELECT format('transaction %s of %s moved %s', transaction.id, transaction.amount,
                                  string_agg(format('%s on account %s', effect.posted, effect.account_id), ', '))
                    FROM transactions.transactions AS transaction
                    LEFT JOIN transactions.effects AS effect ON effect.transaction_id = transaction.id
                    GROUP BY transaction.id
                    HAVING (sum(effect.posted) FILTER (WHERE effect.account_id = transaction.source),
                            sum(effect.posted) FILTER (WHERE effect.account_id = transaction.destination),
                            sum(effect.posted))
                           IS DISTINCT FROM (-(transaction.captured_amount - transaction.refunded_amount)::numeric,
                                             (transaction.captured_amount - transaction.refunded_amount)::numeric,
                                             0::numeric)",
    },
    Rule {
        name: "an effect belongs to an account and a transaction that exist",
        broken_by: "SELECT format('effect %s of account %s, transaction %s', effect.sequence, effect.account_id,
                                  effect.transaction_id)
                    FROM transactions.effects AS effect
                    LEFT JOIN transactions.accounts AS account ON account.id = effect.account_id
                    LEFT JOIN transactions.transactions AS transaction ON transaction.id = effect.transaction_id
                    WHERE account.id IS NULL OR (effect.transaction_id IS NOT NULL AND transaction.id IS NULL)",
    },
];
