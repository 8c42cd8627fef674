-- +goose Up

-- The whole ledger: Use, Use-cancel, Save-cancel and Expire beside Save. A lot stays one row, which carries what is left
-- of it; what was drawn stands in rows that nothing changes. Stop the handlers first, then migrate, then start the new
-- version: an older one that goes on is refused, since it writes no remaining.

-- The ids of one member rise with time only without a cache: which lot is the oldest, and cursors, stand on it.
ALTER SEQUENCE money.point_member_id_seq CACHE 1;

-- Of R and C: the movement that it undoes. Of E and S that a use-cancel made: that R.
ALTER TABLE money.point_member ADD COLUMN undo_point_member_id bigint;
ALTER TABLE money.point_member
    DROP CONSTRAINT point_member_point_check,
    DROP CONSTRAINT point_member_check,
    ADD CONSTRAINT point_member_sign CHECK (point_status_code IN ('S', 'R') AND point > 0
        OR point_status_code IN ('U', 'E') AND point < 0 OR point_status_code = 'C' AND point <= 0) NOT VALID;
ALTER TABLE money.point_member VALIDATE CONSTRAINT point_member_sign;
CREATE INDEX point_member_undo ON money.point_member (member_id, undo_point_member_id) WHERE undo_point_member_id IS NOT NULL;

-- The details become a parent of two: lots, and what was drawn from them. The grant road names point_lot.
ALTER TABLE money.point_member_detail RENAME TO point_member_detail_before;

CREATE TABLE money.point_member_detail (
    point_member_detail_id  bigint      NOT NULL DEFAULT nextval('money.point_member_id_seq'),
    point_member_id         bigint      NOT NULL,
    save_point_member_id    bigint      NOT NULL,
    point                   bigint      NOT NULL CONSTRAINT point_member_detail_point CHECK (point <> 0),
    created_at              timestamptz NOT NULL DEFAULT now(),
    expiry_at               timestamptz,    -- of a lot
    remaining               bigint,         -- of a lot: its point and all draws from it
    member_id               varchar(50) COLLATE "C" NOT NULL,
    point_status_code       varchar(1)  NOT NULL
) PARTITION BY LIST (point_status_code);

CREATE TABLE money.point_lot PARTITION OF money.point_member_detail (
    CONSTRAINT point_lot_remaining CHECK (remaining BETWEEN 0 AND point AND remaining IS NOT NULL)
) FOR VALUES IN ('S') WITH (fillfactor = 95);

CREATE TABLE money.point_draw PARTITION OF money.point_member_detail (
    CONSTRAINT point_draw_no_lot CHECK (remaining IS NULL AND expiry_at IS NULL)
) FOR VALUES IN ('U', 'R', 'C', 'E');

-- +goose StatementBegin
DO $do$
DECLARE
    was record;
    made record;
BEGIN
    IF EXISTS (SELECT FROM money.point_member_detail_before WHERE point_status_code <> 'S' OR point_member_id <> save_point_member_id) THEN
        RAISE EXCEPTION 'the ledger has details that are no lots, which no version before this one writes: run `bestow verify` and restore what was there';
    END IF;
    -- In the order of the ids, so that the BRIN index below has narrow ranges.
    INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, point, created_at, expiry_at,
                                 remaining, member_id, point_status_code)
    SELECT d.point_member_id, d.point_member_id, d.save_point_member_id, d.point, d.created_at, m.expiry_at, d.point, d.member_id, 'S'
    FROM money.point_member_detail_before d
    JOIN money.point_member m USING (member_id, point_member_id)
    ORDER BY d.point_member_id;
    SELECT count(*) AS lots, coalesce(sum(point), 0) AS points INTO was FROM money.point_member_detail_before;
    SELECT count(*) AS lots, coalesce(sum(remaining), 0) AS points INTO made FROM money.point_lot;
    IF was <> made THEN
        RAISE EXCEPTION 'of % lots of % points % with % have a save: run `bestow verify` and restore what was there',
            was.lots, was.points, made.lots, made.points;
    END IF;
END
$do$;
-- +goose StatementEnd
DROP TABLE money.point_member_detail_before;

CREATE UNIQUE INDEX point_lot_open ON money.point_lot (member_id, save_point_member_id) WHERE remaining > 0;
CREATE UNIQUE INDEX point_lot_closed ON money.point_lot (member_id, save_point_member_id) WHERE remaining = 0;
CREATE INDEX point_lot_expiry ON money.point_lot USING brin (expiry_at timestamptz_minmax_multi_ops)
    WITH (pages_per_range = 32, autosummarize = on);
CREATE UNIQUE INDEX point_draw_movement ON money.point_draw (member_id, point_member_id, save_point_member_id);
CREATE INDEX point_draw_lot ON money.point_draw (member_id, save_point_member_id);

ALTER TABLE money.point_lot SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE money.point_member SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02);

-- A member's lock, and what the member owes. The row is made when it is first needed.
CREATE TABLE money.point_account (
    member_id  varchar(50) COLLATE "C" PRIMARY KEY,
    owed       bigint NOT NULL DEFAULT 0 CONSTRAINT point_account_owed_check CHECK (owed >= 0)
) WITH (fillfactor = 50);
CREATE INDEX point_account_owed ON money.point_account (member_id) WHERE owed > 0;

-- What each save-cancel came to: its answer, and its claim while collected < uncollected.
CREATE TABLE money.point_cancel (
    member_id               varchar(50) COLLATE "C" NOT NULL,
    cancel_point_member_id  bigint     NOT NULL,
    save_point_member_id    bigint     NOT NULL,
    asked                   bigint     NOT NULL CHECK (asked > 0),
    taken                   bigint     NOT NULL CHECK (taken >= 0),
    expired                 bigint     NOT NULL CHECK (expired >= 0),
    uncollected             bigint     NOT NULL CHECK (uncollected >= 0),
    collected               bigint     NOT NULL DEFAULT 0,
    policy                  varchar(9) NOT NULL CHECK (policy IN ('refuse', 'remaining', 'debt')),
    PRIMARY KEY (member_id, cancel_point_member_id),
    CONSTRAINT point_cancel_sum CHECK (asked = taken + expired + uncollected),
    CONSTRAINT point_cancel_collected CHECK (collected BETWEEN 0 AND uncollected)
);
CREATE INDEX point_cancel_save ON money.point_cancel (member_id, save_point_member_id);

-- The list of the expiry job, how far it has looked, and what is to expire on each day to come.
CREATE TABLE money.point_due (
    due_id                bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    member_id             varchar(50) COLLATE "C" NOT NULL,
    save_point_member_id  bigint NOT NULL
);
CREATE TABLE money.point_sweep (
    one_row      boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    swept_until  timestamptz NOT NULL,
    began_at     timestamptz NOT NULL DEFAULT now()      -- since when this ledger expires lots at all
);
-- Everything that is due is after this moment: of an older version nothing has expired yet.
INSERT INTO money.point_sweep (swept_until)
SELECT least(now(), min(expiry_at)) FROM money.point_lot;
CREATE TABLE money.point_forecast (
    day         date PRIMARY KEY,
    lots        bigint  NOT NULL,
    points      numeric NOT NULL,
    counted_at  timestamptz NOT NULL DEFAULT now()
);

-- Policies: how long the points of a save are valid, and how many it may be.
ALTER TABLE money.point_master
    ADD COLUMN validity_kind varchar(10) NOT NULL DEFAULT 'none',
    ADD COLUMN valid_until   date,                                                   -- the last day
    ADD COLUMN valid_months  int CONSTRAINT point_master_valid_months CHECK (valid_months BETWEEN 0 AND 1200),
    ADD COLUMN min_point     bigint CONSTRAINT point_master_min_point CHECK (min_point > 0),   -- of one save
    ADD COLUMN max_hold      bigint CONSTRAINT point_master_max_hold CHECK (max_hold > 0),     -- of one member
    ADD COLUMN regrant_days  int CONSTRAINT point_master_regrant_days CHECK (regrant_days BETWEEN 1 AND 36500),
    ADD COLUMN type_code     varchar(10);                                            -- of a save that names none
UPDATE money.point_master SET validity_kind = 'days' WHERE validity_days IS NOT NULL;
ALTER TABLE money.point_master
    ADD CONSTRAINT point_master_validity CHECK (
        validity_kind IN ('none', 'days', 'until', 'month_end')
        AND (validity_kind = 'days') = (validity_days IS NOT NULL)
        AND (validity_kind = 'until') = (valid_until IS NOT NULL)
        AND (validity_kind = 'month_end') = (valid_months IS NOT NULL)),
    ADD CONSTRAINT point_master_bounds CHECK (min_point <= max_point);

-- History is append-only, for the tables' owner too.
-- +goose StatementBegin
CREATE FUNCTION money.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $fn$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the ledger is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'correct a movement by another movement';
END
$fn$;
-- +goose StatementEnd
CREATE TRIGGER point_member_append_only BEFORE UPDATE OR DELETE ON money.point_member
    FOR EACH ROW EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_member_no_truncate BEFORE TRUNCATE ON money.point_member
    FOR EACH STATEMENT EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_draw_append_only BEFORE UPDATE OR DELETE ON money.point_draw
    FOR EACH ROW EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_draw_no_truncate BEFORE TRUNCATE ON money.point_draw
    FOR EACH STATEMENT EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_lot_no_delete BEFORE DELETE ON money.point_lot
    FOR EACH ROW EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_lot_no_truncate BEFORE TRUNCATE ON money.point_lot
    FOR EACH STATEMENT EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_lot_only_remaining BEFORE UPDATE ON money.point_lot FOR EACH ROW
    WHEN ((OLD.point_member_detail_id, OLD.point_member_id, OLD.save_point_member_id, OLD.point, OLD.created_at, OLD.expiry_at,
           OLD.member_id, OLD.point_status_code)
        IS DISTINCT FROM
          (NEW.point_member_detail_id, NEW.point_member_id, NEW.save_point_member_id, NEW.point, NEW.created_at, NEW.expiry_at,
           NEW.member_id, NEW.point_status_code))
    EXECUTE FUNCTION money.refuse_change();

ANALYZE money.point_lot, money.point_draw, money.point_member;
