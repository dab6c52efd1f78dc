//! The events: each transition has one, in the journal and on the stream, with the same bytes, in each account's order.

use super::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a transition has one event in the journal",
        broken_by: "SELECT format('transaction %s has %s events', transaction.id, count(DISTINCT event.id))
                    FROM transactions.transactions AS transaction
                    LEFT JOIN transactions.effects AS effect ON effect.transaction_id = transaction.id
                    LEFT JOIN transactions.events AS event
                           ON event.id = effect.event_id AND event.kind = 'transaction.posted'
                    GROUP BY transaction.id HAVING count(DISTINCT event.id) <> 1
                    UNION ALL
                    SELECT format('account %s was opened by %s events', account.id, count(DISTINCT event.id))
                    FROM transactions.accounts AS account
                    LEFT JOIN transactions.effects AS effect ON effect.account_id = account.id
                    LEFT JOIN transactions.events AS event
                           ON event.id = effect.event_id AND event.kind = 'account.opened'
                    GROUP BY account.id HAVING count(DISTINCT event.id) <> 1",
    },
    Rule {
        name: "an event says what was done",
        broken_by: "WITH said AS (SELECT event, owner, notify, amount, sequence, posted_after, available_after
                                  FROM parties),
                         done AS (SELECT effect.event_id, account.owner, account.notify, effect.posted, effect.sequence,
                                         effect.posted_after, effect.available_after
                                  FROM transactions.effects AS effect
                                  JOIN transactions.accounts AS account ON account.id = effect.account_id)
                    SELECT format('event %s says, and nothing did, %s to an account of %s', event, amount, owner)
                    FROM (TABLE said EXCEPT ALL TABLE done) AS invented
                    UNION ALL
                    SELECT format('event %s did, and does not say, %s to an account of %s', event_id, posted, owner)
                    FROM (TABLE done EXCEPT ALL TABLE said) AS concealed",
    },
    Rule {
        name: "nothing is set aside",
        broken_by: "SELECT format('event %s: %s', event_id, reason) FROM transactions.outbox_refused",
    },
    Rule {
        name: "every event is on the stream",
        broken_by: "SELECT format('event %s', event.id) FROM transactions.events AS event
                    WHERE NOT EXISTS (SELECT FROM stream WHERE stream.event = event.id)",
    },
    Rule {
        name: "no event is on the stream twice",
        broken_by: "SELECT format('event %s at %s', event, string_agg(sequence::text, ', ' ORDER BY sequence))
                    FROM stream GROUP BY event HAVING count(*) > 1",
    },
    Rule {
        name: "the stream holds what happened, as the journal has it",
        broken_by: "SELECT format('message %s, event %s', stream.sequence, stream.event)
                    FROM stream LEFT JOIN transactions.events AS event ON event.id = stream.event
                    WHERE stream.body IS DISTINCT FROM event.body
                       OR stream.event_text <> convert_from(event.body, 'UTF8')::jsonb ->> 'id'
                       OR split_part(stream.subject, '.', 3) <> split_part(event.kind, '.', 2)",
    },
    Rule {
        name: "each account's events are on the stream in its order",
        broken_by:
            "SELECT format('account %s: effect %s is at %s, after that of effect %s at %s', account_id, sequence,
                                  place, previous, previous_place)
                    FROM (SELECT effect.account_id, effect.sequence, place.place,
                                 lag(effect.sequence) OVER in_turn AS previous,
                                 lag(place.place) OVER in_turn AS previous_place
                          FROM transactions.effects AS effect
                          JOIN (SELECT event, min(sequence) AS place FROM stream GROUP BY event) AS place
                            ON place.event = effect.event_id
                          WINDOW in_turn AS (PARTITION BY effect.account_id ORDER BY effect.sequence)) AS placed
                    WHERE previous_place >= place",
    },
];
