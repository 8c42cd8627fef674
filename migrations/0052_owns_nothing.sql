-- +goose Up

-- What a process makes and drops, through functions that run as the tables' owner, so that the role of the service owns
-- nothing. Each checks its arguments, makes the names itself, and finds the main schema, whose name may change, by the
-- owner's function copy_rights in it. In the search_path stand PostgreSQL's own names alone; pg_temp comes last, since else it would come first. No one
-- may call them but the owner and the roles to which docs/rights.md grants it.

-- Gives what was made the rights that the original has, but for those of the owner: a new type has the rights of POINT or
-- VOUCHER, a partition has those of its parent.
-- +goose StatementBegin
CREATE FUNCTION copy_rights(original regclass, made regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    rights text;
BEGIN
    FOR rights IN
        SELECT format('GRANT %s%s ON %s%s TO %s', a.privilege_type, '(' || quote_ident(a.attname) || ')',
                      CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' END, made,
                      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
        FROM pg_class c
        CROSS JOIN LATERAL (
            SELECT x.privilege_type, x.grantee, NULL::name AS attname FROM aclexplode(c.relacl) x
            UNION ALL
            SELECT x.privilege_type, x.grantee, t.attname FROM pg_attribute t CROSS JOIN aclexplode(t.attacl) x
            WHERE t.attrelid = c.oid AND NOT t.attisdropped
        ) a
        WHERE c.oid = original AND a.grantee <> c.relowner
    LOOP
        EXECUTE rights;
    END LOOP;
END
$fn$;
-- +goose StatementEnd

DROP FUNCTION create_event_type_tables_without_redrives(text, text);
DROP FUNCTION index_redrives(text);

-- The tables of an event type that is being made: as those of migrations 2 and 12, where their comments stand.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION create_event_type_tables(type_code text, type_operation text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main    name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    targets text := lower(type_code) || '_targets';
    results text := lower(type_code) || '_results';
    model   text := CASE type_operation WHEN 'points' THEN 'point' WHEN 'vouchers' THEN 'voucher' END;
    part    text;
    wanted  boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I.event_types WHERE code = $1 AND operation = $2 AND state = ''CREATING'' FOR NO KEY UPDATE', main)
        INTO wanted USING type_code, type_operation;
    IF wanted IS NULL OR model IS NULL OR type_code !~ '^[A-Z][A-Z0-9_]{0,19}$' THEN
        RAISE EXCEPTION 'no event type % of % is being made', type_code, type_operation
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    EXECUTE format('CREATE SEQUENCE %I.%I', main, targets || '_id_seq');
    EXECUTE format($sql$
        CREATE TABLE %6$I.%1$I (
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
            CONSTRAINT %5$I FOREIGN KEY (event_id) REFERENCES %6$I.campaign_events (id)
        ) PARTITION BY LIST (event_id)$sql$,
        targets, format('%I.%I', main, targets || '_id_seq'), targets || '_pkey', targets || '_member_key', targets || '_event_fkey', main);
    EXECUTE format('ALTER SEQUENCE %1$I.%2$I OWNED BY %1$I.%3$I.id', main, targets || '_id_seq', targets);
    EXECUTE format('CREATE TABLE %1$I.%2$I PARTITION OF %1$I.%3$I DEFAULT WITH (fillfactor = 50)', main, targets || '_default', targets);

    EXECUTE format('CREATE SEQUENCE %I.%I CACHE 100', main, results || '_id_seq');
    EXECUTE format($sql$
        CREATE TABLE %4$I.%1$I (
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
        results, format('%I.%I', main, results || '_id_seq'), results || '_member_key', main);
    EXECUTE format('ALTER SEQUENCE %1$I.%2$I OWNED BY %1$I.%3$I.id', main, results || '_id_seq', results);
    EXECUTE format('CREATE INDEX %I ON %I.%I (event_id, status) WHERE status <> ''SUCCESS''', results || '_open', main, results);
    EXECUTE format('CREATE INDEX %I ON %I.%I ((redrive - redrive_done), event_id) WHERE status = ''PERMANENTLY_FAILED''',
                   results || '_redrive', main, results);
    IF type_operation = 'vouchers' THEN
        EXECUTE format($sql$
            ALTER TABLE %I.%I
                ADD COLUMN voucher_code varchar(50),
                ADD COLUMN voucher_pin text,  -- ciphertext
                ADD COLUMN voucher_expiry_at timestamptz$sql$, main, results);
    END IF;

    FOREACH part IN ARRAY ARRAY['_targets', '_targets_default', '_targets_id_seq', '_results', '_results_id_seq'] LOOP
        EXECUTE format('SELECT %I.copy_rights($1, $2)', main)
            USING format('%I.%I', main, model || part)::regclass, format('%I.%I', main, lower(type_code) || part)::regclass;
    END LOOP;
END
$fn$;
-- +goose StatementEnd

-- An empty table for one event's targets, without indexes, to be filled by COPY and then handed to
-- index_targets_partition and attach_targets_partition in the same transaction. The event is PENDING, and no other session
-- imports into it: the lock is that of an import, pg.Import in Go, which the caller has or gets here.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION create_targets_partition(type_code text, event bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main    name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    targets text := lower(type_code) || '_targets';
    part    text := targets || '_' || event;
    pending boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I.campaign_events
                    WHERE id = $1 AND event_type = $2 AND event_status = ''PENDING'' AND own_partition IS DISTINCT FROM false', main)
        INTO pending USING event, type_code;
    IF pending IS NULL OR NOT pg_try_advisory_xact_lock(event << 3 | 1) THEN
        RAISE EXCEPTION 'event % of % takes no list into a partition of its own', event, type_code
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
                        CONSTRAINT only_this_event CHECK (event_id = %4$s)) WITH (fillfactor = 50)',
                   main, part, targets, event);
    EXECUTE format('SELECT %I.copy_rights($1, $2)', main)
        USING format('%I.%I', main, targets)::regclass, format('%I.%I', main, part)::regclass;
    RETURN part;
END
$fn$;
-- +goose StatementEnd

-- Indexes the filled table.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION index_targets_partition(type_code text, event bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main    name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    part    text := lower(type_code) || '_targets_' || event;
    pending boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I.campaign_events WHERE id = $1 AND event_type = $2 AND event_status = ''PENDING''', main)
        INTO pending USING event, type_code;
    IF pending IS NULL OR NOT pg_try_advisory_xact_lock(event << 3 | 1) THEN
        RAISE EXCEPTION 'event % of % takes no list into a partition of its own', event, type_code
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I PRIMARY KEY (event_id, id)', main, part, part || '_pkey');
    EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I UNIQUE (event_id, member_id)', main, part, part || '_member_key');
END
$fn$;
-- +goose StatementEnd

-- Makes the table a partition; the foreign key is checked by one join.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION attach_targets_partition(type_code text, event bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main    name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    targets text := lower(type_code) || '_targets';
    pending boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I.campaign_events WHERE id = $1 AND event_type = $2 AND event_status = ''PENDING''', main)
        INTO pending USING event, type_code;
    IF pending IS NULL OR NOT pg_try_advisory_xact_lock(event << 3 | 1) THEN
        RAISE EXCEPTION 'event % of % takes no list into a partition of its own', event, type_code
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('ALTER TABLE %1$I.%2$I ATTACH PARTITION %1$I.%3$I FOR VALUES IN (%4$s)',
                   main, targets, targets || '_' || event, event);
END
$fn$;
-- +goose StatementEnd

-- Drops the partition of an event that was deleted. One that is not there has been dropped already.
-- +goose StatementBegin
CREATE FUNCTION drop_targets_partition(type_code text, event bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main    name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    part    name;
    lives   boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I.campaign_events WHERE id = $1', main) INTO lives USING event;
    IF lives THEN
        RAISE EXCEPTION 'event % is there: its partition stays', event USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('SELECT c.relname FROM %I.event_types y
                    JOIN pg_inherits i ON i.inhparent = to_regclass(format(''%%I.%%I'', $3, lower(y.code) || ''_targets''))
                    JOIN pg_class c ON c.oid = i.inhrelid AND c.relname = lower(y.code) || ''_targets_'' || $2
                    WHERE y.code = $1', main)
        INTO part USING type_code, event, main;
    IF part IS NOT NULL THEN
        EXECUTE format('DROP TABLE IF EXISTS %I.%I', main, part); -- another session may have dropped it by now
    END IF;
END
$fn$;
-- +goose StatementEnd

-- Tells the planner what a large list has added to the default partition of a type.
-- +goose StatementBegin
CREATE FUNCTION analyze_targets(type_code text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main   name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    known  boolean;
BEGIN
    EXECUTE format('SELECT true FROM %I.event_types WHERE code = $1', main) INTO known USING type_code;
    IF known IS NULL THEN
        RAISE EXCEPTION 'there is no event type %', type_code USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ANALYZE %I.%I', main, lower(type_code) || '_targets_default');
END
$fn$;
-- +goose StatementEnd

-- An empty stage, into which the rows of an upload are copied while an import of its event is at work in another session.
-- No vacuum ever looks at it. The roles that may insert imports may fill and read it.
-- +goose StatementBegin
CREATE FUNCTION create_import_stage(event bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main    name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                     WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    stage   text := 'import_stage_' || event || '_' || left(md5(gen_random_uuid()::text), 8);
    pending boolean;
    rights  text;
BEGIN
    EXECUTE format('SELECT true FROM %I.campaign_events WHERE id = $1 AND event_status = ''PENDING''', main) INTO pending USING event;
    IF pending IS NULL OR pg_try_advisory_xact_lock(event << 3 | 1) THEN
        RAISE EXCEPTION 'no list is imported into event %', event USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('CREATE UNLOGGED TABLE %I.%I
                        (line bigint, amount bigint, key text COLLATE "C", reason text, raw text, code text)
                    WITH (autovacuum_enabled = false)', main, stage);
    FOR rights IN
        SELECT DISTINCT format('GRANT SELECT, INSERT ON %I.%I TO %I', main, stage, pg_get_userbyid(a.grantee))
        FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
        WHERE c.oid = format('%I.imports', main)::regclass AND a.privilege_type = 'INSERT' AND a.grantee NOT IN (0, c.relowner)
    LOOP
        EXECUTE rights;
    END LOOP;
    RETURN stage;
END
$fn$;
-- +goose StatementEnd

-- Drops a stage: an unlogged table with the name of one. One that is not there has been dropped already.
-- +goose StatementBegin
CREATE FUNCTION drop_import_stage(event bigint, word text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    main  name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                   WHERE p.proname = 'copy_rights' AND p.proowner = current_user::regrole ORDER BY p.oid LIMIT 1);
    stage name;
BEGIN
    IF word !~ '^[a-z0-9]{1,8}$' THEN
        RAISE EXCEPTION 'no stage has the word %', word USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT c.relname INTO stage FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = main AND c.relname = 'import_stage_' || event || '_' || word AND c.relkind = 'r' AND c.relpersistence = 'u';
    IF stage IS NOT NULL THEN
        EXECUTE format('DROP TABLE IF EXISTS %I.%I', main, stage); -- another session may have dropped it by now
    END IF;
END
$fn$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION copy_rights(regclass, regclass), create_event_type_tables(text, text), create_targets_partition(text, bigint),
    index_targets_partition(text, bigint), attach_targets_partition(text, bigint), drop_targets_partition(text, bigint),
    analyze_targets(text), create_import_stage(bigint), drop_import_stage(bigint, text) FROM PUBLIC;

-- They run as the owner of the tables, which may be another role than the one that migrates.
-- +goose StatementBegin
DO $do$
DECLARE
    tables_owner regrole := (SELECT relowner FROM pg_class WHERE oid = 'campaign_events'::regclass);
    made         regprocedure;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'copy_rights(regclass, regclass)', 'create_event_type_tables(text, text)', 'create_targets_partition(text, bigint)',
        'index_targets_partition(text, bigint)', 'attach_targets_partition(text, bigint)',
        'drop_targets_partition(text, bigint)', 'analyze_targets(text)', 'create_import_stage(bigint)',
        'drop_import_stage(bigint, text)'
    ]::regprocedure[]
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %s', made, tables_owner);
    END LOOP;
END
$do$;
-- +goose StatementEnd
