-- What the timeline of a transaction tells beside what is there already: when the request was taken, and where in the stream
-- its events are.

-- When the writer took the command, by its own clock; null for what no command caused, and for what is older than this.
ALTER TABLE events ADD COLUMN accepted_at timestamptz;

-- Where the stream has an event, as the relay was told; several times, where it was published again. Written in the statement
-- that takes the event out of the outbox, so a payment waits for none of it.
CREATE TABLE publications (
    event_id        uuid        NOT NULL,
    stream_sequence bigint      NOT NULL,
    published_at    timestamptz NOT NULL,
    PRIMARY KEY (event_id, stream_sequence)
);

GRANT SELECT, INSERT, DELETE ON publications TO transaction_svc;
