//! The inboxes: each party of each event is notified exactly once, of what happened, and nobody else is. What the ledger has
//! lost and was withdrawn for that is hidden.

use super::{Harm, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "each party is notified",
        harm: Harm::Lost,
        broken_by: "SELECT DISTINCT format('%s of event %s', party.owner, party.event) FROM parties AS party
                    WHERE party.notify AND party.kind <> 'account.updated'
                      AND NOT EXISTS (SELECT FROM notifications.notifications AS notification
                                      WHERE notification.event_id = party.event
                                        AND notification.recipient = party.owner)",
    },
    Rule {
        name: "nobody else is notified",
        harm: Harm::Wrong,
        broken_by: "SELECT format('%s of event %s by notification %s', recipient, event_id, id)
                    FROM notifications.notifications AS notification
                    WHERE NOT EXISTS (SELECT FROM parties AS party
                                      WHERE party.event = notification.event_id AND party.owner = notification.recipient
                                        AND party.notify AND party.kind <> 'account.updated')
                      AND event_id NOT IN (SELECT event_id FROM notifications.received_events
                                           WHERE withdrawn_at IS NOT NULL)",
    },
    Rule {
        name: "nobody is notified twice",
        harm: Harm::Duplicated,
        broken_by:
            "SELECT format('%s of event %s by notifications %s', recipient, event_id, string_agg(id::text, ', '))
                    FROM notifications.notifications GROUP BY recipient, event_id HAVING count(*) > 1",
    },
    Rule {
        name: "a notification says what happened",
        harm: Harm::Wrong,
        broken_by: "SELECT format('notification %s of %s, event %s', notification.id, notification.recipient,
                                  notification.event_id)
                    FROM notifications.notifications AS notification
                    LEFT JOIN transactions.effects AS effect
                           ON effect.event_id = notification.event_id AND effect.account_id = notification.account_id
                    LEFT JOIN transactions.accounts AS account ON account.id = effect.account_id
                    LEFT JOIN transactions.events AS event ON event.id = effect.event_id
                    WHERE (notification.recipient, notification.type, notification.transaction_id,
                           notification.account_sequence, notification.amount, notification.currency,
                           notification.occurred_at)
                          IS DISTINCT FROM (account.owner, event.kind, effect.transaction_id, effect.sequence,
                                            effect.posted, account.currency, effect.occurred_at)
                      AND notification.event_id NOT IN (SELECT event_id FROM notifications.received_events
                                                        WHERE withdrawn_at IS NOT NULL)",
    },
    Rule {
        name: "a user's notifications are numbered without a gap, and counted",
        harm: Harm::Wrong,
        broken_by: "SELECT format('%s has %s notifications up to %s and a counter at %s',
                                  coalesce(counter.recipient, inbox.recipient), coalesce(inbox.count, 0), inbox.last,
                                  counter.last_position)
                    FROM notifications.notification_counters AS counter
                    FULL JOIN (SELECT recipient, count(*) AS count, max(position) AS last,
                                      count(DISTINCT position) AS positions,
                                      count(*) FILTER (WHERE status = 'unread' AND NOT muted) AS unread,
                                      count(*) FILTER (WHERE status = 'read' AND NOT muted) AS read,
                                      count(*) FILTER (WHERE status = 'archived' AND NOT muted) AS archived
                               FROM notifications.notifications GROUP BY recipient) AS inbox
                           ON inbox.recipient = counter.recipient
                    WHERE (counter.last_position, counter.last_position, counter.last_position,
                           counter.unread, counter.read, counter.archived)
                          IS DISTINCT FROM (inbox.last, inbox.count, inbox.positions,
                                            inbox.unread, inbox.read, inbox.archived)",
    },
    Rule {
        name: "what was received is what the journal has",
        harm: Harm::Lost,
        broken_by: "SELECT format('event %s', coalesce(event.id, received.event_id))
                    FROM transactions.events AS event
                    FULL JOIN notifications.received_events AS received ON received.event_id = event.id
                    WHERE received.body_sha256 IS DISTINCT FROM sha256(event.body) AND received.withdrawn_at IS NULL",
    },
    Rule {
        name: "what was withdrawn is not in the journal, and hidden",
        harm: Harm::Wrong,
        broken_by: "SELECT format('event %s', event_id) FROM notifications.received_events AS received
                    WHERE withdrawn_at IS NOT NULL
                      AND (EXISTS (SELECT FROM transactions.events AS event WHERE event.id = received.event_id)
                           OR EXISTS (SELECT FROM notifications.notifications AS notification
                                      WHERE notification.event_id = received.event_id AND NOT muted))",
    },
];

pub(super) const IN_THE_ORDER_OF_THE_STREAM: Rule = Rule {
    name: "a user is notified in the order of the stream",
    harm: Harm::Wrong,
    broken_by:
        "SELECT format('%s: notification %s of message %s comes after that of message %s', recipient, position, place,
                              previous_place)
                FROM (SELECT notification.recipient, notification.position, place.place,
                             lag(place.place) OVER in_turn AS previous_place
                      FROM notifications.notifications AS notification
                      JOIN (SELECT event, min(sequence) AS place FROM stream GROUP BY event) AS place
                        ON place.event = notification.event_id
                      WINDOW in_turn AS (PARTITION BY notification.recipient ORDER BY notification.position)) AS placed
                WHERE previous_place >= place",
};
