-- Verification and retention: results that all replicas read, and the end of what is kept for a time only.

-- What the verifications in the background found; the report is what the API answers.
CREATE TABLE verifications (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    violations bigint      NOT NULL,
    report     json        NOT NULL
);

-- Where the journal begins: retention has dropped every event before this id. One row.
CREATE TABLE journal_start (first_id uuid NOT NULL);
CREATE UNIQUE INDEX one_journal_start ON journal_start ((true));
INSERT INTO journal_start VALUES ('00000000-0000-0000-0000-000000000000');

-- Drops the journal's months that ended 400 days before `moment`, oldest first, and gives their number. The service may
-- call it, so it is the function that keeps the promise: whatever moment it is told, it drops no younger month, and it
-- stops at the first one with an event that is still to be told. Dropping locks writers out for as long as it waits for
-- readers, so it waits for a moment only: the caller tries again later.
CREATE FUNCTION drop_event_partitions(moment timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = transactions, pg_temp SET lock_timeout = '200ms'
AS $$
DECLARE
    horizon timestamptz := least(moment, clock_timestamp()) - interval '400 days';
    month   record;
    dropped integer := 0;
BEGIN
    FOR month IN
        SELECT name, first_id_at(start) AS first_id, first_id_at(finish) AS next_id
        FROM (SELECT name, start, date_trunc('month', start + interval '1 month', 'UTC') AS finish
              FROM (SELECT relname AS name, to_date(right(relname, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC' AS start
                    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                    WHERE inhparent = 'transactions.events'::regclass) AS partitions) AS months
        WHERE finish <= horizon
        ORDER BY start
    LOOP
        EXIT WHEN EXISTS (
            SELECT FROM (SELECT event_id FROM outbox_relay
                         UNION ALL SELECT event_id FROM outbox_dispatch
                         UNION ALL SELECT event_id FROM outbox_refused) AS pointers
            WHERE event_id >= month.first_id AND event_id < month.next_id);
        EXECUTE format('DROP TABLE %I', month.name);
        UPDATE journal_start SET first_id = month.next_id;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

-- The uuid inside a TypeID: 26 digits of Crockford's base 32 behind the prefix. Null for whatever is none.
CREATE FUNCTION uuid_of_type_id(type_id text) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT (lpad(to_hex(substring(bits FROM 3 FOR 64)::bit(64)::bigint), 16, '0')
             || lpad(to_hex(substring(bits FROM 67 FOR 64)::bit(64)::bigint), 16, '0'))::uuid
        FROM (SELECT string_agg((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(digits, place, 1)) - 1)::bit(5)::text,
                                '' ORDER BY place)::bit(130) AS bits
              FROM (SELECT substring(type_id FROM '_([0-7][0-9a-hjkmnp-tv-z]{25})$') AS digits) AS suffix,
                   generate_series(1, 26) AS place
              WHERE digits IS NOT NULL) AS decoded
        WHERE bits IS NOT NULL
    );

GRANT SELECT, INSERT, DELETE ON verifications TO transaction_svc;
GRANT SELECT ON journal_start TO transaction_svc;
REVOKE ALL ON FUNCTION drop_event_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_event_partitions TO transaction_svc;
