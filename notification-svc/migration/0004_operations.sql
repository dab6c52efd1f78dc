-- What operators do to the queues, and what they are told about them. Nothing here is on the way of an event.

-- The audit: a row is there before anything is done, and says afterwards how much was done.
CREATE TABLE operations (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text        NOT NULL CHECK (action IN (
        'dead_letters.redrive', 'dead_letters.discard', 'dead_letters.export', 'consumer.pause', 'consumer.resume')),
    operator    text        NOT NULL,
    reason      text        NOT NULL CHECK (reason <> ''),
    selection   jsonb       NOT NULL,
    planned     bigint      NOT NULL CHECK (planned >= 0),
    done        bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz -- null: it goes on, or its process died on the way
);

-- Replays: their plans, how far they have come, and their audit.
CREATE TABLE replays (
    id                uuid        PRIMARY KEY,
    status            text        NOT NULL
        CHECK (status IN ('planning', 'planned', 'running', 'done', 'cancelled', 'failed')),
    runs_in           text        NOT NULL CHECK (runs_in IN ('command', 'service')),
    selection         jsonb       NOT NULL,
    events_per_second integer     CHECK (events_per_second > 0), -- null: no limit
    operator          text        NOT NULL,
    reason            text        NOT NULL CHECK (reason <> ''),
    plan              jsonb,      -- null until it is planned
    checkpoint        bigint      NOT NULL DEFAULT 0, -- what is selected up to this sequence was replayed, and counted in …
    progress          jsonb       NOT NULL,           -- … the same commit
    holder            uuid,       -- the process that plans or replays, until …
    held_until        timestamptz,
    requested_at      timestamptz NOT NULL,
    started_at        timestamptz,
    finished_at       timestamptz,
    failure           text
);
CREATE INDEX replays_to_run ON replays (requested_at) WHERE status IN ('planning', 'running');

-- The last failure of each durable consumer, of whichever replica.
CREATE TABLE consumer_failures (
    durable     text        PRIMARY KEY,
    error       text        NOT NULL,
    occurred_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON operations TO notification_svc;
GRANT UPDATE (done, finished_at) ON operations TO notification_svc;
GRANT SELECT, INSERT, UPDATE ON replays, consumer_failures TO notification_svc;
