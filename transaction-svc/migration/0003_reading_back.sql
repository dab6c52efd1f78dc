-- Reading the ledger back: balances of any moment, and lists by what callers filter by.

-- The sequence of an account's last effect at or before a moment; 0 where there is none. Times increase with the sequence, so
-- it is found by halving, in as many steps as the number of effects has binary digits, on the primary key alone.
CREATE FUNCTION last_sequence_at(account uuid, moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    low    bigint := 0;
    high   bigint := coalesce((SELECT max(sequence) FROM effects WHERE account_id = account), 0);
    middle bigint;
BEGIN
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT occurred_at FROM effects WHERE account_id = account AND sequence = middle) <= moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
REVOKE ALL ON FUNCTION last_sequence_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION last_sequence_at TO transaction_svc;

-- What lists of transactions filter by. Those of an account and those of a time need no more than they had: ids carry the time
-- of creation. Most transactions are posted, and a payment costs none of the indexes by status; those of a status other than
-- posted are few among many. Only transactions with a reference cost an entry in the indexes by reference.
CREATE INDEX transactions_by_status ON transactions (status, id) WHERE status <> 'posted';
CREATE INDEX transactions_by_source_and_status ON transactions (source, status, id) WHERE status <> 'posted';
CREATE INDEX transactions_by_destination_and_status ON transactions (destination, status, id) WHERE status <> 'posted';
CREATE INDEX transactions_by_reference ON transactions (reference, id) WHERE reference IS NOT NULL;
CREATE INDEX transactions_by_source_and_reference ON transactions (source, reference, id) WHERE reference IS NOT NULL;
CREATE INDEX transactions_by_destination_and_reference ON transactions (destination, reference, id)
    WHERE reference IS NOT NULL;
