-- Notifications and what makes each of them exist once. Owned by the migrator; the service role gets what its statements
-- need and nothing more: what was received and what a user was told can be added and read, never changed.
--
-- Ids of events and notifications are UUIDs of version 7 that carry the event's time, so that retention deletes a range
-- of the primary key.

-- Every event that was ingested. The first to insert a row here, by whichever way, creates the notifications.
CREATE TABLE received_events (
    event_id    uuid        PRIMARY KEY,
    body_sha256 bytea       NOT NULL CHECK (octet_length(body_sha256) = 32),
    way         text        NOT NULL CHECK (way IN ('jetstream', 'webhook')),
    received_at timestamptz NOT NULL
);

-- One row for each user: the door through which all changes of a user's notifications pass, one at a time.
CREATE TABLE notification_counters (
    recipient     text   COLLATE "C" PRIMARY KEY,
    last_position bigint NOT NULL CHECK (last_position >= 0),
    unread        bigint NOT NULL CHECK (unread >= 0),
    read          bigint NOT NULL CHECK (read >= 0),
    archived      bigint NOT NULL CHECK (archived >= 0)
) WITH (fillfactor = 50); -- counters change in place (HOT): no index holds them

CREATE TABLE notifications (
    id               uuid        PRIMARY KEY,
    event_id         uuid        NOT NULL,
    recipient        text        COLLATE "C" NOT NULL CHECK (char_length(recipient) BETWEEN 1 AND 128),
    position         bigint      NOT NULL CHECK (position > 0), -- 1, 2, 3 … of the recipient
    type             text        COLLATE "C" NOT NULL,
    transaction_id   uuid,
    account_id       uuid        NOT NULL,
    account_sequence bigint      NOT NULL,
    amount           bigint      NOT NULL,
    currency         text        NOT NULL,
    title            text        NOT NULL,
    body             text        NOT NULL,
    locale           text        NOT NULL,
    template_version smallint    NOT NULL,
    muted            boolean     NOT NULL DEFAULT false, -- kept, and neither listed nor counted
    occurred_at      timestamptz NOT NULL,
    created_at       timestamptz NOT NULL,
    read_at          timestamptz,
    archived_at      timestamptz,
    status           text        COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE WHEN archived_at IS NOT NULL THEN 'archived' WHEN read_at IS NOT NULL THEN 'read' ELSE 'unread' END
    ) STORED,
    CONSTRAINT one_notification_per_event_and_recipient UNIQUE (event_id, recipient)
);
-- Pages, newest first. Status and type are in it so that filters pass over other entries without reading their rows; an
-- index for each filter would cost every insert more than it saves the few whose users filter.
CREATE INDEX notifications_by_position ON notifications (recipient, position, status, type);

-- What a user wants to be told, and in which language. Without a row: everything, in English.
CREATE TABLE preferences (
    recipient   text        COLLATE "C" PRIMARY KEY CHECK (char_length(recipient) BETWEEN 1 AND 128),
    locale      text        NOT NULL,
    muted_types text[]      NOT NULL,
    updated_at  timestamptz NOT NULL
);

-- Messages that failed and wait for their next attempt; JetStream has forgotten them.
CREATE TABLE parked_messages (
    stream          text        NOT NULL,
    stream_sequence bigint      NOT NULL,
    subject         text        NOT NULL,
    headers         json        NOT NULL, -- not jsonb, which refuses U+0000
    body            bytea       NOT NULL,
    published_at    timestamptz NOT NULL,
    attempts        integer     NOT NULL CHECK (attempts > 0), -- begun so far
    first_failed_at timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    error           text        NOT NULL,
    PRIMARY KEY (stream, stream_sequence, published_at) -- a stream that is made anew counts from 1 again
);
CREATE INDEX parked_messages_by_due ON parked_messages (due_at);

GRANT SELECT, INSERT ON received_events TO notification_svc;
GRANT SELECT, INSERT, UPDATE ON notification_counters TO notification_svc;
GRANT SELECT, INSERT, UPDATE (read_at, archived_at) ON notifications TO notification_svc;
GRANT SELECT, INSERT, UPDATE ON preferences TO notification_svc;
GRANT SELECT, INSERT, UPDATE, DELETE ON parked_messages TO notification_svc;
-- A service that starts compares its migrations with the ones that were run.
GRANT SELECT ON _sqlx_migrations TO notification_svc;
