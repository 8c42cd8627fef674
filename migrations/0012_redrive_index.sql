-- +goose Up

-- The reconcile looks for redrives that nobody answered, of completed events too, whose given-up rows only become more.
-- An index of the difference: as a condition of the index, redrive_done < redrive counts as a third of the whole table,
-- and the index is not used. With 50,000 given-up rows of a million: 0.1 ms instead of 66 ms.
-- +goose StatementBegin
CREATE FUNCTION index_redrives(type_code text) RETURNS void
LANGUAGE plpgsql AS $fn$
DECLARE
    results text := lower(type_code) || '_results';
BEGIN
    EXECUTE format('CREATE INDEX %I ON %I ((redrive - redrive_done), event_id) WHERE status = ''PERMANENTLY_FAILED''', results || '_redrive', results);
END
$fn$;
-- +goose StatementEnd

ALTER FUNCTION create_event_type_tables(text, text) RENAME TO create_event_type_tables_without_redrives;

-- +goose StatementBegin
CREATE FUNCTION create_event_type_tables(type_code text, type_operation text) RETURNS void
LANGUAGE plpgsql AS $fn$
BEGIN
    PERFORM create_event_type_tables_without_redrives(type_code, type_operation);
    PERFORM index_redrives(type_code);
END
$fn$;
-- +goose StatementEnd

-- A type that is just being made gets its index with its tables. On a large installation stop the handlers before this: the
-- index is made under a lock that lets nobody write results.
SELECT index_redrives(code) FROM event_types WHERE to_regclass(lower(code) || '_results') IS NOT NULL;
