//! The events: each is on the stream once, with the bytes of the journal, in each account's order.

use super::{Harm, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "every event has a delivery to every endpoint that is older and wants it",
        harm: Harm::Lost,
        broken_by: "SELECT format('event %s, endpoint %s', event.id, endpoint.id)
                    FROM transactions.events AS event JOIN transactions.webhook_endpoints AS endpoint
                      ON endpoint.id < event.id AND endpoint.enabled
                     AND (endpoint.event_types IS NULL OR endpoint.event_types ? event.kind)
                    WHERE NOT EXISTS (SELECT FROM transactions.webhook_deliveries AS delivery
                                      WHERE (delivery.endpoint_id, delivery.event_id) = (endpoint.id, event.id))",
    },
    Rule {
        name: "what is not delivered yet is in the queue, and nothing else is",
        harm: Harm::Lost,
        broken_by: "SELECT format('delivery %s is %s', coalesce(delivery.id, queued.delivery_id), delivery.status)
                    FROM (SELECT * FROM transactions.webhook_deliveries WHERE status = 'pending') AS delivery
                    FULL JOIN transactions.webhook_queue AS queued ON queued.delivery_id = delivery.id
                    WHERE delivery.id IS NULL OR queued.delivery_id IS NULL",
    },
    Rule {
        name: "every receiver has accepted every event since it was registered",
        harm: Harm::Lost,
        broken_by: "SELECT format('event %s, endpoint %s', event.id, listener.endpoint)
                    FROM listeners AS listener JOIN transactions.events AS event ON event.id > listener.endpoint
                    WHERE NOT EXISTS (SELECT FROM heard
                                      WHERE (heard.endpoint, heard.event) = (listener.endpoint, event.id))",
    },
    Rule {
        name: "every event is on the stream",
        harm: Harm::Lost,
        broken_by: "SELECT format('event %s', event.id) FROM transactions.events AS event
                    WHERE NOT EXISTS (SELECT FROM stream WHERE stream.event = event.id)",
    },
    Rule {
        name: "no event is on the stream twice",
        harm: Harm::Duplicated,
        broken_by: "SELECT format('event %s at %s', event, string_agg(sequence::text, ', ' ORDER BY sequence))
                    FROM stream GROUP BY event HAVING count(*) > 1",
    },
    Rule {
        name: "the stream holds what happened, as the journal has it",
        harm: Harm::Wrong,
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
        harm: Harm::Wrong,
        broken_by:
            "SELECT format('account %s: effect %s is at %s, after that of effect %s at %s', account_id, sequence,
                                  place, previous, previous_place)
                    FROM (SELECT effect.account_id, effect.sequence, place.place,
                                 lag(effect.sequence) OVER in_turn AS previous,
                                 lag(place.place) OVER in_turn AS previous_place
                          FROM transactions.effects AS effect
                          JOIN (SELECT event, min(sequence) AS place FROM stream GROUP BY event) AS place
                            ON place.event = effect.event_id
                          -- What is published again comes behind what is new.
                          WHERE NOT EXISTS (SELECT FROM transactions.republications AS again
                                            WHERE effect.event_id BETWEEN again.first_event AND again.last_event)
                          WINDOW in_turn AS (PARTITION BY effect.account_id ORDER BY effect.sequence)) AS placed
                    WHERE previous_place >= place",
    },
];
