-- +goose Up

-- The tables of one event type: who is to get what, and what happened. POINT and VOUCHER are made by it too.
--
-- targets: partitioned by event; small events share the default partition, a large import gets one of its own, built
-- by create_targets_partition and attached. publish_status stands in no index and pages are half empty, so that the
-- mark is a HOT update. Columns are ordered by alignment.
--
-- results: the idempotency record. Only (event_id, member_id) is indexed for every row; id is unique by its sequence.
-- +goose StatementBegin
CREATE FUNCTION create_event_type_tables(type_code text, type_operation text) RETURNS void
LANGUAGE plpgsql AS $fn$
DECLARE
    targets text := lower(type_code) || '_targets';
    results text := lower(type_code) || '_results';
BEGIN
    EXECUTE format('CREATE SEQUENCE %I', targets || '_id_seq');
    EXECUTE format($sql$
        CREATE TABLE %1$I (
            id              bigint      NOT NULL DEFAULT nextval(%2$L),
            event_id        bigint      NOT NULL,
            amount          bigint      NOT NULL CHECK (amount > 0),
            created_at      timestamptz NOT NULL DEFAULT now(),
            updated_at      timestamptz NOT NULL DEFAULT now(),
            partition_key   int         NOT NULL CHECK (partition_key >= 0),
            member_id       varchar(50) COLLATE "C" NOT NULL,
            publish_status  varchar(20) NOT NULL DEFAULT 'PENDING' CHECK (publish_status IN ('PENDING', 'PUBLISHED')),
            reason          varchar(500),
            CONSTRAINT %3$I PRIMARY KEY (event_id, id),
            CONSTRAINT %4$I UNIQUE (event_id, member_id),
            CONSTRAINT %5$I FOREIGN KEY (event_id) REFERENCES campaign_events (id)
        ) PARTITION BY LIST (event_id)$sql$,
        targets, targets || '_id_seq', targets || '_pkey', targets || '_member_key', targets || '_event_fkey');
    EXECUTE format('ALTER SEQUENCE %I OWNED BY %I.id', targets || '_id_seq', targets);
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT WITH (fillfactor = 50)', targets || '_default', targets);

    EXECUTE format('CREATE SEQUENCE %I CACHE 100', results || '_id_seq');
    EXECUTE format($sql$
        CREATE TABLE %1$I (
            id             bigint      NOT NULL DEFAULT nextval(%2$L),
            event_id       bigint      NOT NULL,
            amount         bigint      NOT NULL CHECK (amount > 0),
            created_at     timestamptz NOT NULL DEFAULT now(),
            updated_at     timestamptz NOT NULL DEFAULT now(),
            retry_count    int         NOT NULL DEFAULT 0 CHECK (retry_count >= 0),
            redrive        int         NOT NULL DEFAULT 0,
            redrive_done   int         NOT NULL DEFAULT 0 CHECK (redrive_done BETWEEN 0 AND redrive),
            member_id      varchar(50) COLLATE "C" NOT NULL,
            status         varchar(20) NOT NULL DEFAULT 'PENDING'
                           CHECK (status IN ('PENDING', 'SUCCESS', 'FAILED', 'PERMANENTLY_FAILED')),
            money_tx_id    varchar(100),
            error_code     varchar(50),
            error_message  varchar(500),
            CONSTRAINT %3$I UNIQUE (event_id, member_id)
        )$sql$,
        results, results || '_id_seq', results || '_member_key');
    EXECUTE format('ALTER SEQUENCE %I OWNED BY %I.id', results || '_id_seq', results);
    EXECUTE format('CREATE INDEX %I ON %I (event_id, status) WHERE status <> ''SUCCESS''', results || '_open', results);
    IF type_operation = 'vouchers' THEN
        EXECUTE format($sql$
            ALTER TABLE %I
                ADD COLUMN voucher_code varchar(50),
                ADD COLUMN voucher_pin text,  -- ciphertext
                ADD COLUMN voucher_expiry_at timestamptz$sql$, results);
    END IF;
END
$fn$;
-- +goose StatementEnd

-- An empty table for one event's targets, without indexes, to be filled by COPY and then handed to
-- attach_targets_partition in the same transaction.
-- +goose StatementBegin
CREATE FUNCTION create_targets_partition(type_code text, event bigint) RETURNS text
LANGUAGE plpgsql AS $fn$
DECLARE
    targets text := lower(type_code) || '_targets';
    part    text := targets || '_' || event;
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS, CONSTRAINT only_this_event CHECK (event_id = %s)) WITH (fillfactor = 50)',
        part, targets, event);
    RETURN part;
END
$fn$;
-- +goose StatementEnd

-- Indexes the filled table and makes it a partition; the foreign key is checked by one join.
-- +goose StatementBegin
CREATE FUNCTION index_targets_partition(type_code text, event bigint) RETURNS void
LANGUAGE plpgsql AS $fn$
DECLARE
    targets text := lower(type_code) || '_targets';
    part    text := targets || '_' || event;
BEGIN
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (event_id, id)', part, part || '_pkey');
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I UNIQUE (event_id, member_id)', part, part || '_member_key');
END
$fn$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION attach_targets_partition(type_code text, event bigint) RETURNS void
LANGUAGE plpgsql AS $fn$
DECLARE
    targets text := lower(type_code) || '_targets';
BEGIN
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)', targets, targets || '_' || event, event);
END
$fn$;
-- +goose StatementEnd

SELECT create_event_type_tables('POINT', 'points'), create_event_type_tables('VOUCHER', 'vouchers');
INSERT INTO event_types (code, label, operation, topic, state) VALUES
    ('POINT', 'Points', 'points', 'point', 'READY'),
    ('VOUCHER', 'Vouchers', 'vouchers', 'voucher', 'READY');
