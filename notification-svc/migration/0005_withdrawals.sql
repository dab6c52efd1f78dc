-- What was told of events that the ledger has not: its database was restored to a moment before them. Such events are
-- withdrawn: remembered, so that nothing that brings them again tells them again, and their notifications are hidden.
ALTER TABLE received_events ADD COLUMN withdrawn_at timestamptz;
ALTER TABLE operations DROP CONSTRAINT operations_action_check;
ALTER TABLE operations ADD CONSTRAINT operations_action_check CHECK (action IN (
    'dead_letters.redrive', 'dead_letters.discard', 'dead_letters.export', 'consumer.pause', 'consumer.resume',
    'events.withdraw'));

GRANT UPDATE (withdrawn_at) ON received_events TO notification_svc;
GRANT UPDATE (muted) ON notifications TO notification_svc;
