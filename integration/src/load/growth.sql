-- Makes books of any size out of nothing, as sound as the ledger's own: `transaction-svc verify` finds nothing wrong with them.
-- For one step of growth: 10,000 accounts, and payments of one cent between them, one every 1.5 s from $1 on.

-- == once
CREATE FUNCTION pg_temp.id_at(moment timestamptz, random text) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN (SELECT (lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0')
                    || '8' || substr(md5(random), 1, 15))::uuid
            FROM (SELECT (extract(epoch FROM moment) * 1000000)::bigint AS micros) AS since_1970);
CREATE FUNCTION pg_temp.type_id(prefix text, id uuid) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN (SELECT prefix || '_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz',
                                                      substring(bits FROM place FOR 5)::bit(5)::integer + 1, 1), ''
                                               ORDER BY place)
            FROM (SELECT ('00' || ('x' || replace(id::text, '-', ''))::bit(128)::text)::bit(130) AS bits) AS padded,
                 generate_series(1, 126, 5) AS place);
CREATE TEMPORARY TABLE holders (number integer PRIMARY KEY, id uuid, name text);
CREATE TEMPORARY TABLE payments
    (number bigint, id uuid, event_id uuid, at timestamptz, source uuid, destination uuid, event_name text, name text);
CREATE TEMPORARY TABLE sides
    (event_id uuid, payment uuid, at timestamptz, account_id uuid, change bigint, sequence bigint, posted_after bigint,
     available_after bigint, owner text, account_name text);

-- == accounts
TRUNCATE holders;
-- ==
INSERT INTO holders
SELECT number, id, pg_temp.type_id('acc', id)
FROM (SELECT number, pg_temp.id_at($1 - interval '1 day', 'account ' || number || gen_random_uuid()) AS id
      FROM generate_series(0, 9999) AS number) AS new;
-- ==
INSERT INTO accounts
SELECT id, 'holder-' || number, NULL, 'EUR', 'open', -1000000000, true, '{}', 0, 0, 0, 1, 1, $1 - interval '1 day',
       $1 - interval '1 day'
FROM holders;
-- ==
WITH opened AS (
    INSERT INTO effects
    SELECT id, 1, pg_temp.id_at($1 - interval '1 day', 'event ' || id), NULL, 0, 0, 0, 0, 0, 0, 1000000000,
           $1 - interval '1 day'
    FROM holders RETURNING account_id, event_id, available_after)
INSERT INTO events
SELECT event_id, 'account.opened', account_id, NULL,
       convert_to(json_build_object(
           'specversion', '1.0', 'id', pg_temp.type_id('evt', event_id), 'source', 'transaction-svc',
           'type', 'account.opened', 'dataversion', '1', 'datacontenttype', 'application/json', 'subject', name,
           'time', $1 - interval '1 day',
           'data', json_build_object(
               'account', json_build_object(
                   'id', name, 'owner', 'holder-' || number, 'currency', 'EUR', 'status', 'open',
                   'min_balance', (-available_after)::text, 'settings_version', 1, 'metadata', json_build_object()),
               'actor', json_build_object('iss', 'growth', 'sub', 'growth'),
               'effects', json_build_array(json_build_object(
               'account', name, 'owner', 'holder-' || number, 'notify', true, 'amount', '0', 'sequence', 1,
               'posted_after', '0', 'available_after', available_after::text))))::text, 'UTF8')
FROM opened JOIN holders ON holders.id = account_id;

-- == payments
TRUNCATE payments, sides;
-- ==
INSERT INTO payments
SELECT number, id, event_id, at, source, destination, pg_temp.type_id('evt', event_id), pg_temp.type_id('txn', id)
FROM (SELECT payment.*, pg_temp.id_at(at, 'payment ' || number || source) AS id,
             pg_temp.id_at(at, 'event ' || number || source) AS event_id
      FROM (SELECT nth.number, $1 + nth.number * interval '1.5 s' AS at, source.id AS source, destination.id AS destination
            FROM generate_series($2, $3) AS nth (number)
            JOIN holders AS source ON source.number = nth.number % 10000
            JOIN holders AS destination
              ON destination.number = (nth.number + 1 + nth.number / 10000 % 9999) % 10000) AS payment) AS identified;
-- ==
INSERT INTO sides
SELECT event_id, side.id, at, account.id, change, account.version + row_number() OVER in_turn,
       account.posted + sum(change) OVER in_turn, account.posted + sum(change) OVER in_turn - account.min_balance,
       account.owner, holder.name
FROM (SELECT number, event_id, id, at, source AS account_id, -1 AS change FROM payments
      UNION ALL SELECT number, event_id, id, at, destination, 1 FROM payments) AS side
JOIN accounts AS account ON account.id = side.account_id
JOIN holders AS holder ON holder.id = side.account_id
WINDOW in_turn AS (PARTITION BY account.id ORDER BY side.number);
-- ==
INSERT INTO transactions
SELECT id, 'posted', source, destination, 1, 'EUR', 1, 0, 'automatic', NULL, 'Growth', 'growth-' || number, '{}', 'growth',
       'growth', at, at
FROM payments;
-- ==
INSERT INTO effects
SELECT account_id, sequence, event_id, payment, change, 0, 0, posted_after, 0, 0, available_after, at FROM sides;
-- ==
INSERT INTO events
SELECT payment.event_id, 'transaction.posted', payment.source, NULL,
       convert_to(json_build_object(
           'specversion', '1.0', 'id', payment.event_name, 'source', 'transaction-svc', 'type', 'transaction.posted',
           'dataversion', '1', 'datacontenttype', 'application/json', 'subject', payment.name, 'time', payment.at,
           'data', json_build_object(
               'transaction', json_build_object(
                   'id', payment.name, 'status', 'posted', 'source', told.accounts[1], 'destination', told.accounts[2],
                   'amount', '1', 'currency', 'EUR', 'captured_amount', '1', 'refunded_amount', '0',
                   'description', 'Growth', 'metadata', json_build_object()),
               'actor', json_build_object('iss', 'growth', 'sub', 'growth'),
               'effects', told.effects))::text, 'UTF8')
FROM payments AS payment
JOIN (SELECT event_id, array_agg(account_name ORDER BY change) AS accounts,
             json_agg(json_build_object(
                 'account', account_name, 'owner', owner, 'notify', true, 'amount', change::text, 'sequence', sequence,
                 'posted_after', posted_after::text, 'available_after', available_after::text) ORDER BY change) AS effects
      FROM sides GROUP BY event_id) AS told ON told.event_id = payment.event_id;
-- ==
INSERT INTO stored_answers
SELECT sha256(id::text::bytea), sha256(name::bytea), 201, convert_to(repeat('.', 700), 'UTF8'), '/v1/transactions/' || name,
       NULL, at
FROM payments;
-- ==
UPDATE accounts SET posted = last.posted_after, version = last.sequence, updated_at = last.at
FROM (SELECT DISTINCT ON (account_id) * FROM sides ORDER BY account_id, sequence DESC) AS last
WHERE accounts.id = last.account_id;
