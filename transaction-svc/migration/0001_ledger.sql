-- The ledger. Owned by the migrator; the service role gets what its statements need and nothing more: history
-- (effects, events) can be added and read, never changed.
--
-- There are no foreign keys between hot tables: the writer has read and locked every account that it names, accounts and
-- transactions are never deleted, and each key would cost a lookup and a row lock on every insert.

CREATE TABLE accounts (
    id               uuid        PRIMARY KEY,
    owner            text        NOT NULL,
    name             text,
    currency         text        NOT NULL,
    status           text        NOT NULL CHECK (status IN ('open', 'frozen', 'closed')),
    min_balance      bigint,     -- null: no limit
    notify           boolean     NOT NULL,
    metadata         jsonb       NOT NULL,
    posted           bigint      NOT NULL,
    pending_out      bigint      NOT NULL CHECK (pending_out >= 0),
    pending_in       bigint      NOT NULL CHECK (pending_in >= 0),
    version          bigint      NOT NULL, -- the sequence of the last effect
    settings_version bigint      NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL, -- the time of the last effect
    CONSTRAINT accounts_keep_their_limit CHECK (min_balance IS NULL OR posted - pending_out >= min_balance)
) WITH (fillfactor = 50); -- balances change in place (HOT): no index holds them
CREATE INDEX accounts_by_owner ON accounts (owner, id);

CREATE TABLE transactions (
    id               uuid        PRIMARY KEY,
    status           text        NOT NULL
        CHECK (status IN ('pending', 'posted', 'voided', 'expired', 'partially_refunded', 'refunded')),
    source           uuid        NOT NULL,
    destination      uuid        NOT NULL,
    amount           bigint      NOT NULL CHECK (amount > 0),
    currency         text        NOT NULL,
    captured_amount  bigint      NOT NULL CHECK (captured_amount BETWEEN 0 AND amount),
    refunded_amount  bigint      NOT NULL CHECK (refunded_amount BETWEEN 0 AND captured_amount),
    capture          text        NOT NULL CHECK (capture IN ('automatic', 'manual')),
    expires_at       timestamptz,
    description      text,
    reference        text,
    metadata         jsonb       NOT NULL,
    initiator_issuer text        NOT NULL,
    initiated_by     text        NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CHECK (source <> destination)
);
CREATE INDEX transactions_by_source ON transactions (source, id);
CREATE INDEX transactions_by_destination ON transactions (destination, id);
CREATE INDEX transactions_to_expire ON transactions (expires_at) WHERE status = 'pending';

CREATE TABLE refunds (
    id               uuid        PRIMARY KEY,
    transaction_id   uuid        NOT NULL,
    amount           bigint      NOT NULL CHECK (amount > 0),
    initiator_issuer text        NOT NULL,
    initiated_by     text        NOT NULL,
    created_at       timestamptz NOT NULL
);
CREATE INDEX refunds_by_transaction ON refunds (transaction_id, id);

-- What each event did to each account. Times increase with the sequence, so a moment is found by halving.
CREATE TABLE effects (
    account_id        uuid        NOT NULL,
    sequence          bigint      NOT NULL,
    event_id          uuid        NOT NULL,
    transaction_id    uuid,       -- null for effects of the account's own events
    posted            bigint      NOT NULL, -- changes …
    pending_out       bigint      NOT NULL,
    pending_in        bigint      NOT NULL,
    posted_after      bigint      NOT NULL, -- … and what they left
    pending_out_after bigint      NOT NULL,
    pending_in_after  bigint      NOT NULL,
    available_after   bigint,
    occurred_at       timestamptz NOT NULL,
    PRIMARY KEY (account_id, sequence)
);
CREATE INDEX effects_by_transaction ON effects (transaction_id, event_id) WHERE transaction_id IS NOT NULL;

-- The first answer under each idempotency key, as it went out.
CREATE TABLE stored_answers (
    key_digest  bytea       PRIMARY KEY,
    fingerprint bytea       NOT NULL,
    status      smallint    NOT NULL,
    body        bytea       NOT NULL,
    location    text,
    etag        text,
    created_at  timestamptz NOT NULL
);
CREATE INDEX stored_answers_by_age ON stored_answers (created_at);

-- The journal: the bytes of every event as published, in one partition for each month of the ids (UUIDv7).
CREATE TABLE events (
    id            uuid  NOT NULL PRIMARY KEY,
    kind          text  NOT NULL,
    partition_key uuid  NOT NULL, -- the account whose order the event keeps
    traceparent   text,
    body          bytea NOT NULL
) PARTITION BY RANGE (id);

-- What is still to be told. Positions are drawn while the accounts are locked, so their order is each account's order.
CREATE TABLE outbox_relay (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid   NOT NULL
);
CREATE TABLE outbox_dispatch (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid   NOT NULL
);

-- Events that the stream refuses for good (too large for it): set aside, with an alert, so that they hold up no others.
CREATE TABLE outbox_refused (
    event_id   uuid        PRIMARY KEY,
    reason     text        NOT NULL,
    refused_at timestamptz NOT NULL
);

-- Who may do what only one replica may do.
CREATE TABLE leases (
    name       text        PRIMARY KEY,
    holder     uuid        NOT NULL,
    term       bigint      NOT NULL, -- grows with every change of holder
    expires_at timestamptz NOT NULL
);

-- How far the stream is known to have come; if it is ever found behind this, it lost events.
CREATE TABLE relay_progress (
    stream        text        PRIMARY KEY,
    created_at    timestamptz NOT NULL, -- of the stream
    last_sequence bigint      NOT NULL
);

-- The smallest id of a moment: 48 bits of milliseconds, the rest zero.
CREATE FUNCTION first_id_at(moment timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Makes the journal's partitions for the month of `moment` and `ahead` more. The service may call it, and may not make
-- tables otherwise. Attaching a ready table locks the journal's readers and writers out for no moment.
CREATE FUNCTION ensure_event_partitions(moment timestamptz, ahead integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = transactions, pg_temp
AS $$
DECLARE
    first  timestamptz := date_trunc('month', moment, 'UTC');
    start  timestamptz;
    name   text;
BEGIN
    FOR month IN 0..ahead LOOP
        start := date_trunc('month', first + make_interval(months => month), 'UTC');
        name := 'events_' || to_char(start AT TIME ZONE 'UTC', 'YYYY_MM');
        PERFORM pg_advisory_xact_lock(hashtext('transactions.' || name));
        IF to_regclass('transactions.' || name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, first_id_at(start), first_id_at(date_trunc('month', start + interval '1 month', 'UTC')));
        END IF;
    END LOOP;
END
$$;

SELECT ensure_event_partitions(now() - interval '1 month', 4);

GRANT SELECT, INSERT, UPDATE ON accounts, transactions, leases, relay_progress TO transaction_svc;
GRANT SELECT, INSERT ON refunds, effects, events, outbox_refused TO transaction_svc;
GRANT SELECT, INSERT, DELETE ON stored_answers, outbox_relay, outbox_dispatch TO transaction_svc;
REVOKE ALL ON FUNCTION ensure_event_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_event_partitions TO transaction_svc;
GRANT USAGE ON SCHEMA transactions TO transaction_svc;
GRANT SELECT ON _sqlx_migrations TO transaction_svc;
