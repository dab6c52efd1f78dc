-- Webhooks: to whom events are sent, what is on its way, and what became of every attempt.
--
-- What is due lives in a narrow table of its own (`webhook_queue`) that is as large as the backlog. The history beside it
-- is written once and closed once, without touching an index again.

-- The pointers of the dispatcher say what kind of event they point to, so that it need not read the journal. (Nothing was
-- ever put into this table before.)
ALTER TABLE outbox_dispatch ADD COLUMN kind text NOT NULL;

CREATE TABLE webhook_endpoints (
    id              uuid        PRIMARY KEY, -- UUIDv7: it is told of events whose ids are greater
    configured_as   text        UNIQUE,      -- by the operator; null for those that callers registered
    url             text        NOT NULL,
    description     text,
    event_types     jsonb,                   -- null: all
    enabled         boolean     NOT NULL,
    disabled_reason text        CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
    version         bigint      NOT NULL,    -- counts changes of what is needed to send: URL and secrets
    failing_since   timestamptz,             -- the first failure after the last success
    not_before      timestamptz,             -- as the receiver has asked (`Retry-After`)
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (enabled = (disabled_reason IS NULL))
);

-- AES-256-GCM under a key of the configuration; the id of the endpoint is authenticated along with it.
CREATE TABLE webhook_secrets (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id uuid        NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
    key_id      text        NOT NULL,
    nonce       bytea       NOT NULL CHECK (octet_length(nonce) = 12),
    sealed      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz              -- signs until then; null: the current one
);
CREATE INDEX webhook_secrets_by_endpoint ON webhook_secrets (endpoint_id);
CREATE UNIQUE INDEX one_current_webhook_secret ON webhook_secrets (endpoint_id) WHERE expires_at IS NULL;

CREATE TABLE webhook_deliveries (
    id          uuid        PRIMARY KEY,
    endpoint_id uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    finished_at timestamptz,
    CONSTRAINT one_delivery_per_endpoint_and_event UNIQUE (endpoint_id, event_id)
) WITH (fillfactor = 80); -- the status changes in place (HOT): no index holds it

-- A row for each pending delivery. The key is the order in which an endpoint's deliveries are due; a lease changes only
-- what no index holds.
CREATE TABLE webhook_queue (
    endpoint_id  uuid        NOT NULL,
    due_at       timestamptz NOT NULL,
    delivery_id  uuid        NOT NULL,
    event_id     uuid        NOT NULL,
    attempts     smallint    NOT NULL, -- begun so far
    failures     smallint    NOT NULL, -- ended without success, since it was last put here
    leased_until timestamptz,          -- somebody works on it until then
    PRIMARY KEY (endpoint_id, due_at, delivery_id)
) WITH (fillfactor = 50);

CREATE TABLE webhook_attempts (
    delivery_id     uuid        NOT NULL,
    number          smallint    NOT NULL,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    outcome         text        CHECK (outcome IN ('delivered', 'refused', 'timed_out', 'unreachable', 'not_sent')),
    response_status smallint,
    error           text,
    PRIMARY KEY (delivery_id, number)
) WITH (fillfactor = 70);

-- Dispatchers lock the pointers that they take, so that others pass over them.
GRANT UPDATE ON outbox_dispatch TO transaction_svc;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON webhook_endpoints, webhook_secrets, webhook_deliveries, webhook_queue, webhook_attempts TO transaction_svc;
