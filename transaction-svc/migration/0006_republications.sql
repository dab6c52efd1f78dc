-- Publishing again what the journal holds: by hand, or because the stream lost what it had acknowledged. The leader of the
-- relay puts pointers of these events into the outbox again, some at a time, so that there is one publisher and one order.
CREATE TABLE republications (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status            text        NOT NULL CHECK (status IN ('running', 'done', 'cancelled')),
    account_id        uuid,       -- only events that touch this account; null: all
    first_event       uuid        NOT NULL, -- from this id on …
    last_event        uuid        NOT NULL, -- … up to this one
    checkpoint        uuid,       -- the last event that is in the outbox again
    account_sequence  bigint      NOT NULL DEFAULT 0, -- its sequence in the account
    events            bigint      NOT NULL DEFAULT 0, -- so many are
    events_per_second integer     NOT NULL CHECK (events_per_second > 0),
    operator          text        NOT NULL,
    reason            text        NOT NULL CHECK (reason <> ''),
    requested_at      timestamptz NOT NULL,
    finished_at       timestamptz
);
CREATE INDEX republications_running ON republications (id) WHERE status = 'running';

-- Pointers that wait for the second time say nothing about how long an event has waited.
ALTER TABLE outbox_relay ADD COLUMN again boolean NOT NULL DEFAULT false;

GRANT SELECT, INSERT, UPDATE ON republications TO transaction_svc;
