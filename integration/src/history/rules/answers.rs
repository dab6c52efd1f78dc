//! What clients were told: each key has one answer and one effect, and what was acknowledged is on the books as told.

use super::{Harm, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "every client is told in the end",
        harm: Harm::Wrong,
        broken_by: "SELECT format('key %s of %s', key, payer) FROM payments WHERE NOT told",
    },
    Rule {
        name: "a client is told of a transaction or of a refusal",
        harm: Harm::Wrong,
        broken_by: "SELECT format('key %s: %s %s', key, status, convert_from(body, 'UTF8')) FROM answers
                    WHERE status NOT IN (201, 422) OR (status = 201 AND transaction IS NULL)",
    },
    Rule {
        name: "a key has one answer, to the byte",
        harm: Harm::Wrong,
        broken_by: "SELECT format('key %s: %s answers', key, count(DISTINCT (status, body)))
                    FROM answers GROUP BY key HAVING count(DISTINCT (status, body)) > 1",
    },
    Rule {
        name: "a key has one effect at the most",
        harm: Harm::Duplicated,
        broken_by: "SELECT format('key %s: transactions %s', reference, string_agg(id::text, ', '))
                    FROM transactions.transactions WHERE reference IN (SELECT key FROM payments)
                    GROUP BY reference HAVING count(*) > 1",
    },
    Rule {
        name: "what was acknowledged is on the books",
        harm: Harm::Lost,
        broken_by: "SELECT DISTINCT format('key %s: transaction %s', payment.key, answer.transaction)
                    FROM answers AS answer JOIN payments AS payment ON payment.key = answer.key
                    LEFT JOIN transactions.transactions AS transaction ON transaction.id = answer.transaction
                    WHERE answer.status = 201
                      AND (payment.key, payment.payer, payment.source, payment.destination, payment.amount)
                          IS DISTINCT FROM (transaction.reference, transaction.initiated_by, transaction.source,
                                            transaction.destination, transaction.amount)",
    },
    Rule {
        name: "what was acknowledged happened as it was told",
        harm: Harm::Lost,
        broken_by: "SELECT DISTINCT format('key %s: effect %s of account %s', told.key, told.sequence, told.account)
                    FROM told_effects AS told
                    LEFT JOIN transactions.effects AS effect
                           ON effect.account_id = told.account AND effect.sequence = told.sequence
                    LEFT JOIN answers AS answer ON answer.key = told.key AND answer.transaction = effect.transaction_id
                    WHERE answer.key IS NULL
                       OR (told.posted, told.posted_after, told.available_after)
                          IS DISTINCT FROM (effect.posted, effect.posted_after, effect.available_after)",
    },
    Rule {
        name: "what was refused did not happen",
        harm: Harm::Wrong,
        broken_by: "SELECT DISTINCT format('key %s: transaction %s', answer.key, transaction.id)
                    FROM answers AS answer
                    JOIN transactions.transactions AS transaction ON transaction.reference = answer.key
                    WHERE answer.status <> 201",
    },
    Rule {
        name: "a refusal names a balance that was",
        harm: Harm::Wrong,
        broken_by: "SELECT format('key %s: %s available', refusal.key, refusal.available)
                    FROM (SELECT DISTINCT answer.key, payment.source, payment.amount,
                                 (convert_from(answer.body, 'UTF8')::jsonb ->> 'available')::bigint AS available
                          FROM answers AS answer JOIN payments AS payment ON payment.key = answer.key
                          WHERE answer.status = 422) AS refusal
                    WHERE refusal.available >= refusal.amount
                       OR NOT EXISTS (SELECT FROM transactions.effects AS effect
                                      WHERE effect.account_id = refusal.source
                                        AND effect.available_after = refusal.available)",
    },
    Rule {
        name: "nothing happened that nobody asked for",
        harm: Harm::Wrong,
        broken_by: "SELECT format('transaction %s with reference %s', id, reference) FROM transactions.transactions
                    WHERE split_part(reference, '/', 1) IN (SELECT split_part(key, '/', 1) FROM payments)
                      AND reference NOT IN (SELECT key FROM payments)",
    },
    Rule {
        name: "a balance that was read was on the books",
        harm: Harm::Wrong,
        broken_by: "SELECT format('account %s at %s with %s', seen.account, seen.sequence, seen.posted)
                    FROM seen_balances AS seen
                    LEFT JOIN transactions.effects AS effect
                           ON effect.account_id = seen.account AND effect.sequence = seen.sequence
                    WHERE (seen.posted, seen.available) IS DISTINCT FROM (effect.posted_after, effect.available_after)",
    },
    Rule {
        name: "a balance is not older than what was told before",
        harm: Harm::Wrong,
        broken_by: "WITH moments AS (
                        SELECT account, ended AS at, sequence AS known, NULL::bigint AS shown FROM told_effects
                        UNION ALL SELECT account, ended, sequence, NULL FROM seen_balances
                        UNION ALL SELECT account, asked, NULL, sequence FROM seen_balances)
                    SELECT format('account %s was shown at %s, %s us into the run, when %s was known', account, shown,
                                  at, known)
                    FROM (SELECT account, at, shown, max(known) OVER so_far AS known
                          FROM moments
                          WINDOW so_far AS (PARTITION BY account ORDER BY at, known NULLS FIRST
                                            ROWS UNBOUNDED PRECEDING)) AS judged
                    WHERE shown < known",
    },
    Rule {
        name: "what was acknowledged can be read as it was told",
        harm: Harm::Lost,
        broken_by: "SELECT format('key %s: %s', seen.key, coalesce(seen.transaction::text, 'nothing was found'))
                    FROM seen_transactions AS seen
                    WHERE NOT EXISTS (SELECT FROM answers AS answer
                                      WHERE answer.key = seen.key
                                        AND convert_from(answer.body, 'UTF8')::jsonb = seen.transaction)",
    },
];
