//! The events: each is on the stream once, with the bytes of the journal, in each account's order.

use super::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "every event has a delivery to every endpoint that is older and wants it",
        broken_by: "SELECT format('event %s, endpoint %s', event.id, endpoint.id)
                    FROM transactions.events AS event JOIN transactions.webhook_endpoints AS endpoint
                      ON endpoint.id < event.id AND endpoint.enabled
                     AND (endpoint.event_types IS NULL OR endpoint.event_types ? event.kind)
                    WHERE NOT EXISTS (SELECT FROM transactions.webhook_deliveries AS delivery
                                      WHERE (delivery.endpoint_id, delivery.event_id) = (endpoint.id, event.id))",
    },
    Rule {
        name: "what is not delivered yet is in the queue, and nothing else is",
        broken_by: "SELECT format('delivery %s is %s', coalesce(delivery.id, queued.delivery_id), delivery.status)
                    FROM (SELECT * FROM transactions.webhook_deliveries WHERE status = 'pending') AS delivery
                    FULL JOIN transactions.webhook_queue AS queued ON queued.delivery_id = delivery.id
                    WHERE delivery.id IS NULL OR queued.delivery_id IS NULL",
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
                    WHERE (stream.body IS DISTINCT FROM event.body
                           OR stream.event_text <> convert_from(event.body, 'UTF8')::jsonb ->> 'id'
                           OR split_part(stream.subject, '.', 3) <> split_part(event.kind, '.', 2))
                      AND stream.event NOT IN (SELECT event_id FROM notifications.received_events
                                               WHERE withdrawn_at IS NOT NULL)",
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
