-- +goose Up

-- The reconcile looks for redrives that nobody answered, of completed events too, whose given-up rows only become more.
-- Hardly a row has such a redrive, so the index holds next to nothing.
-- +goose StatementBegin
CREATE FUNCTION index_redrives(type_code text) RETURNS void
LANGUAGE plpgsql AS $fn$
DECLARE
    results text := lower(type_code) || '_results';
BEGIN
    EXECUTE format('CREATE INDEX %I ON %I (event_id) WHERE redrive_done < redrive', results || '_redrive', results);
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

SELECT index_redrives(code) FROM event_types;
