//! Transactions: what they say about themselves, their refunds and reservations, and what they did to their accounts.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "statuses_agree_with_amounts",
        rule: "The status of a transaction follows from what was captured and refunded.",
        broken_by: "SELECT NULL, id, NULL, format('is %s (%s) with %s of %s captured and %s refunded', status, capture,
                                                 captured_amount, amount, refunded_amount)
                    FROM transactions
                    WHERE (capture = 'automatic' AND captured_amount <> amount)
                       OR NOT CASE status
                              WHEN 'posted' THEN captured_amount > 0 AND refunded_amount = 0
                              WHEN 'partially_refunded' THEN refunded_amount > 0 AND refunded_amount < captured_amount
                              WHEN 'refunded' THEN captured_amount > 0 AND refunded_amount = captured_amount
                              ELSE captured_amount = 0 AND refunded_amount = 0 END",
    },
    Check {
        name: "refunds_add_up",
        rule: "The refunds of a transaction sum up to its refunded amount.",
        broken_by: "SELECT NULL, coalesce(transaction.id, given.transaction_id), NULL,
                           format('says %s is refunded; its refunds sum up to %s', transaction.refunded_amount,
                                  given.amount)
                    FROM (SELECT id, refunded_amount FROM transactions WHERE refunded_amount > 0) AS transaction
                    FULL JOIN (SELECT transaction_id, sum(amount) AS amount FROM refunds GROUP BY transaction_id) AS given
                           ON given.transaction_id = transaction.id
                    WHERE transaction.refunded_amount IS DISTINCT FROM given.amount",
    },
    Check {
        name: "holds_are_pending_transactions",
        rule: "What is pending on an account is the sum of its pending transactions.",
        broken_by: "SELECT coalesce(account.id, held.account_id), NULL, NULL,
                           format('has %s pending out and %s pending in; its pending transactions sum up to %s and %s',
                                  account.pending_out, account.pending_in, held.pending_out, held.pending_in)
                    FROM accounts AS account
                    FULL JOIN (SELECT account_id, sum(pending_out) AS pending_out, sum(pending_in) AS pending_in
                               FROM (SELECT source AS account_id, amount AS pending_out, 0 AS pending_in
                                     FROM transactions WHERE status = 'pending'
                                     UNION ALL
                                     SELECT destination, 0, amount FROM transactions WHERE status = 'pending') AS sides
                               GROUP BY account_id) AS held ON held.account_id = account.id
                    WHERE (account.pending_out, account.pending_in)
                          IS DISTINCT FROM (coalesce(held.pending_out, 0), coalesce(held.pending_in, 0))",
    },
    Check {
        name: "transactions_moved_what_they_say",
        rule: "The effects of a transaction took what it says from its source and gave it to its destination.",
        broken_by: "SELECT NULL, transaction.id, NULL,
                           format('of %s, %s captured, %s refunded, %s, moved %s', transaction.amount,
                                  transaction.captured_amount, transaction.refunded_amount, transaction.status,
                                  (array_agg(format('%s on account %s', effect.posted, effect.account_id)))[1:4])
                    FROM transactions AS transaction LEFT JOIN effects AS effect ON effect.transaction_id = transaction.id
                    GROUP BY transaction.id
                    HAVING (sum(effect.posted) FILTER (WHERE effect.account_id = transaction.source),
                            sum(effect.posted) FILTER (WHERE effect.account_id = transaction.destination),
                            sum(effect.pending_out) FILTER (WHERE effect.account_id = transaction.source),
                            sum(effect.pending_in) FILTER (WHERE effect.account_id = transaction.destination),
                            sum(abs(effect.posted)) FILTER (
                                WHERE effect.account_id NOT IN (transaction.source, transaction.destination)),
                            sum(abs(effect.pending_out)) FILTER (WHERE effect.account_id <> transaction.source),
                            sum(abs(effect.pending_in)) FILTER (WHERE effect.account_id <> transaction.destination))
                           IS DISTINCT FROM
                           ((transaction.refunded_amount - transaction.captured_amount)::numeric,
                            (transaction.captured_amount - transaction.refunded_amount)::numeric,
                            CASE transaction.status WHEN 'pending' THEN transaction.amount ELSE 0 END::numeric,
                            CASE transaction.status WHEN 'pending' THEN transaction.amount ELSE 0 END::numeric,
                            NULL::numeric, 0::numeric, 0::numeric)",
    },
];
