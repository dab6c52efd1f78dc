//! Accounts: money is conserved, and each balance is what its effects make it.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "money_is_conserved",
        rule: "The posted balances of a currency sum up to zero, and as much is on its way out as in.",
        broken_by: "SELECT NULL, NULL, NULL, format('%s: %s posted in all, %s pending out and %s pending in', currency,
                                                   sum(posted), sum(pending_out), sum(pending_in))
                    FROM accounts
                    GROUP BY currency HAVING sum(posted) <> 0 OR sum(pending_out) <> sum(pending_in)",
    },
    Check {
        name: "accounts_keep_their_limit",
        rule: "No effect left less than nothing available, and a closed account is empty.",
        broken_by: "SELECT account_id, transaction_id, event_id, format('effect %s left %s available', sequence,
                                                                       available_after)
                    FROM effects WHERE available_after < 0
                    UNION ALL
                    SELECT id, NULL, NULL, format('is closed with %s posted, %s pending out, %s pending in', posted,
                                                  pending_out, pending_in)
                    FROM accounts WHERE status = 'closed' AND (posted, pending_out, pending_in) <> (0, 0, 0)",
    },
    Check {
        name: "balances_are_sums",
        rule: "The balances of an account are the sums of its effects.",
        broken_by: "SELECT account.id, NULL, NULL,
                           format('has %s posted, %s pending out, %s pending in; its effects sum up to %s, %s, %s',
                                  account.posted, account.pending_out, account.pending_in,
                                  total.posted, total.pending_out, total.pending_in)
                    FROM accounts AS account
                    LEFT JOIN (SELECT account_id, sum(posted) AS posted, sum(pending_out) AS pending_out,
                                      sum(pending_in) AS pending_in
                               FROM effects GROUP BY account_id) AS total ON total.account_id = account.id
                    WHERE (account.posted, account.pending_out, account.pending_in)
                          IS DISTINCT FROM (total.posted, total.pending_out, total.pending_in)",
    },
    Check {
        name: "accounts_are_as_their_last_effect",
        rule: "An account has the balances and the time that its last effect left.",
        broken_by: "SELECT account.id, last.transaction_id, last.event_id,
                           format('is at %s with %s posted, %s pending out, %s pending in; its effect %s left %s, %s, %s',
                                  account.version, account.posted, account.pending_out, account.pending_in,
                                  last.sequence, last.posted_after, last.pending_out_after, last.pending_in_after)
                    FROM accounts AS account
                    LEFT JOIN effects AS last ON last.account_id = account.id AND last.sequence = account.version
                    WHERE (account.posted, account.pending_out, account.pending_in, account.updated_at,
                           account.posted::numeric - account.pending_out - account.min_balance)
                          IS DISTINCT FROM (last.posted_after, last.pending_out_after, last.pending_in_after,
                                            last.occurred_at, last.available_after::numeric)",
    },
    Check {
        name: "sequences_have_no_gap",
        rule: "The effects of an account are numbered 1, 2, 3 up to its version.",
        broken_by: "SELECT account.id, NULL, NULL,
                           format('is at %s and has %s effects, from %s to %s', account.version, numbered.count,
                                  numbered.first, numbered.last)
                    FROM accounts AS account
                    LEFT JOIN (SELECT account_id, count(*) AS count, min(sequence) AS first, max(sequence) AS last
                               FROM effects GROUP BY account_id) AS numbered ON numbered.account_id = account.id
                    WHERE (numbered.count, numbered.first, numbered.last)
                          IS DISTINCT FROM (account.version, 1::bigint, account.version)",
    },
    Check {
        name: "effects_follow_each_other",
        rule: "An effect goes on, later, from the balances that the one before it left.",
        broken_by: "SELECT account_id, transaction_id, event_id,
                           format('effect %s left %s posted, %s pending out, %s pending in; by its changes %s, %s, %s',
                                  sequence, posted_after, pending_out_after, pending_in_after,
                                  posted_before + posted, pending_out_before + pending_out,
                                  pending_in_before + pending_in)
                    FROM (SELECT *,
                                 lag(posted_after::numeric, 1, 0::numeric) OVER in_turn AS posted_before,
                                 lag(pending_out_after::numeric, 1, 0::numeric) OVER in_turn AS pending_out_before,
                                 lag(pending_in_after::numeric, 1, 0::numeric) OVER in_turn AS pending_in_before,
                                 lag(occurred_at) OVER in_turn AS previous_at
                          FROM effects WINDOW in_turn AS (PARTITION BY account_id ORDER BY sequence)) AS effect
                    WHERE (posted_before + posted, pending_out_before + pending_out, pending_in_before + pending_in)
                          <> (posted_after, pending_out_after, pending_in_after)
                       OR previous_at >= occurred_at",
    },
];
