//! References: the schema has no foreign keys between hot tables, so they are checked here, all at once.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "transactions_name_accounts_of_their_currency",
        rule: "Both accounts of a transaction exist and are held in its currency.",
        broken_by: "SELECT side.account_id, transaction.id, NULL,
                           format('is in %s, its account in %s', transaction.currency, account.currency)
                    FROM transactions AS transaction
                    CROSS JOIN LATERAL (VALUES (transaction.source), (transaction.destination)) AS side (account_id)
                    LEFT JOIN accounts AS account ON account.id = side.account_id
                    WHERE account.currency IS DISTINCT FROM transaction.currency",
    },
    Check {
        name: "effects_name_what_exists",
        rule: "The account and the transaction of an effect exist.",
        broken_by: "SELECT effect.account_id, effect.transaction_id, effect.event_id,
                           format('effect %s names what does not exist', effect.sequence)
                    FROM effects AS effect
                    LEFT JOIN accounts AS account ON account.id = effect.account_id
                    LEFT JOIN transactions AS transaction ON transaction.id = effect.transaction_id
                    WHERE account.id IS NULL OR (transaction.id IS NULL AND effect.transaction_id IS NOT NULL)",
    },
    Check {
        name: "refunds_name_transactions",
        rule: "The transaction of a refund exists.",
        broken_by: "SELECT NULL, refund.transaction_id, NULL, format('refund %s is of no transaction', refund.id)
                    FROM refunds AS refund
                    WHERE NOT EXISTS (SELECT FROM transactions WHERE transactions.id = refund.transaction_id)",
    },
    Check {
        name: "answers_name_what_exists",
        rule: "A stored answer with a location is about an account or a transaction that exists.",
        broken_by: "WITH answer AS MATERIALIZED (
                        SELECT created_at, location, split_part(location, '/', 3) AS kind,
                               uuid_of_type_id(split_part(location, '/', 4)) AS id
                        FROM stored_answers
                        WHERE starts_with(location, '/v1/accounts/') OR starts_with(location, '/v1/transactions/'))
                    SELECT NULL, NULL, NULL, format('an answer of %s is about %s', created_at, location)
                    FROM (SELECT * FROM answer
                          WHERE kind = 'accounts' AND NOT EXISTS (SELECT FROM accounts WHERE accounts.id = answer.id)
                          UNION ALL
                          SELECT * FROM answer
                          WHERE kind = 'transactions'
                            AND NOT EXISTS (SELECT FROM transactions WHERE transactions.id = answer.id)) AS lost",
    },
];
