//! The journal: every change has its event, every event its effects, and the event says what was done. What retention has
//! dropped is left out.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "nothing_is_set_aside",
        rule: "The stream has refused no event for good.",
        broken_by: "SELECT NULL, NULL, event_id, format('was refused: %s', reason) FROM outbox_refused",
    },
    Check {
        name: "outbox_names_events",
        rule: "Whatever waits to be told is in the journal.",
        broken_by: "SELECT NULL, NULL, pointer.event_id, format('waits to be %s and is not in the journal', purpose)
                    FROM (SELECT event_id, 'published' AS purpose FROM outbox_relay
                          UNION ALL SELECT event_id, 'dispatched' FROM outbox_dispatch) AS pointer
                    WHERE NOT EXISTS (SELECT FROM events WHERE events.id = pointer.event_id)",
    },
    Check {
        name: "effects_have_their_event",
        rule: "Every effect has an event in the journal, and an account's first event opened it.",
        broken_by: "SELECT effect.account_id, effect.transaction_id, effect.event_id,
                           format('effect %s has the event %s', effect.sequence, coalesce(event.kind, 'none'))
                    FROM effects AS effect LEFT JOIN events AS event ON event.id = effect.event_id
                    WHERE effect.event_id >= (SELECT first_id FROM journal_start)
                      AND (event.id IS NULL
                           OR (effect.transaction_id IS NULL) <> starts_with(event.kind, 'account.')
                           OR (effect.sequence = 1) <> (event.kind = 'account.opened'))",
    },
    Check {
        name: "events_have_their_effects",
        rule: "An event of a transaction has two effects that cancel each other out, one of an account has one.",
        broken_by: "SELECT NULL, NULL, event.id,
                           format('is %s and has %s effects, which moved %s', event.kind, count(effect.sequence),
                                  sum(effect.posted))
                    FROM events AS event LEFT JOIN effects AS effect ON effect.event_id = event.id
                    GROUP BY event.id
                    HAVING count(effect.sequence) <> CASE split_part(event.kind, '.', 1) WHEN 'transaction' THEN 2
                                                     WHEN 'account' THEN 1 ELSE 0 END
                        OR sum(effect.posted) <> 0 OR sum(effect.pending_out) <> sum(effect.pending_in)",
    },
    Check {
        name: "transitions_have_their_events",
        rule: "Each transition of a transaction has its event, once.",
        broken_by: "SELECT NULL, transaction.id, NULL,
                           format('is %s; its events are %s', transaction.status, array_agg(event.kind))
                    FROM transactions AS transaction
                    LEFT JOIN effects AS effect
                           ON effect.transaction_id = transaction.id AND effect.account_id = transaction.source
                    LEFT JOIN events AS event ON event.id = effect.event_id
                    LEFT JOIN (SELECT transaction_id, count(*) AS count FROM refunds GROUP BY transaction_id) AS given
                           ON given.transaction_id = transaction.id
                    WHERE transaction.id >= (SELECT first_id FROM journal_start)
                    GROUP BY transaction.id, given.count
                    HAVING (count(*) FILTER (WHERE event.kind = 'transaction.pending'),
                            count(*) FILTER (WHERE event.kind = 'transaction.posted'),
                            count(*) FILTER (WHERE event.kind = 'transaction.voided'),
                            count(*) FILTER (WHERE event.kind = 'transaction.expired'),
                            count(*) FILTER (WHERE event.kind = 'transaction.refunded'))
                           <> ((transaction.capture = 'manual')::integer, (transaction.captured_amount > 0)::integer,
                               (transaction.status = 'voided')::integer, (transaction.status = 'expired')::integer,
                               coalesce(given.count, 0))",
    },
    Check {
        name: "events_say_what_was_done",
        rule: "An event tells the effects that it had, to the parties that they concern.",
        broken_by: "WITH said AS (SELECT event.id AS event_id, effect ->> 'owner' AS owner,
                                         (effect ->> 'notify')::boolean AS notify, (effect ->> 'amount')::bigint AS posted,
                                         (effect ->> 'sequence')::bigint AS sequence,
                                         (effect ->> 'posted_after')::bigint AS posted_after,
                                         (effect ->> 'available_after')::bigint AS available_after
                                  FROM events AS event,
                                       jsonb_array_elements(convert_from(event.body, 'UTF8')::jsonb #> '{data,effects}')
                                           AS effect),
                         done AS (SELECT effect.event_id, account.owner, account.notify, effect.posted, effect.sequence,
                                         effect.posted_after, effect.available_after
                                  FROM effects AS effect JOIN accounts AS account ON account.id = effect.account_id
                                  WHERE effect.event_id >= (SELECT first_id FROM journal_start))
                    SELECT NULL, NULL, event_id, format('says, and nothing did, %s to an account of %s', posted, owner)
                    FROM (TABLE said EXCEPT ALL TABLE done) AS invented
                    UNION ALL
                    SELECT NULL, NULL, event_id, format('did, and does not say, %s to an account of %s', posted, owner)
                    FROM (TABLE done EXCEPT ALL TABLE said) AS concealed",
    },
];
