//! The events: each is on the stream once, with the bytes of the journal, in each account's order.

use super::Rule;

pub(super) const RULES: &[Rule] = &[
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
