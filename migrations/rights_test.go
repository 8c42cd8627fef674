package migrations_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// service is a session of a role that has the rights of docs/rights.md, beside its owner.
type service struct {
	testing.TB
	owner, conn *pgx.Conn
}

func newService(t *testing.T) *service {
	t.Helper()
	address := pgtest.URL(t)
	role, password := "service_"+strings.ToLower(rand.Text()), rand.Text()
	rights, err := os.ReadFile("../cmd/bestow/upkeep/service_rights.sql")
	require.NoError(t, err)
	s := &service{TB: t}
	s.owner = s.connect(address)
	s.own(`CREATE ROLE ` + role + ` LOGIN PASSWORD '` + password + `';` +
		strings.ReplaceAll(string(rights), "bestow_service", role))
	t.Cleanup(func() {
		_, err := s.owner.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(t, err)
	})
	at, err := url.Parse(address)
	require.NoError(t, err)
	at.User = url.UserPassword(role, password)
	s.conn = s.connect(at.String())
	s.own(`
		INSERT INTO campaign_events (id, campaign_id, event_type, event_status, own_partition, created_by) VALUES
			(1, 'pending', 'POINT', 'PENDING', NULL, 'test'), (2, 'running', 'POINT', 'RUNNING', NULL, 'test'),
			(3, 'shares', 'POINT', 'PENDING', false, 'test'), (4, 'imported', 'POINT', 'PENDING', NULL, 'test');
		INSERT INTO event_types (code, label, operation, topic, state) VALUES ('TEA', 'Tea', 'points', 'tea', 'CREATING')`)
	return s
}

func (s *service) connect(address string) *pgx.Conn {
	s.Helper()
	conn, err := pgx.Connect(s.Context(), address)
	require.NoError(s, err)
	s.Cleanup(func() { require.NoError(s, conn.Close(context.WithoutCancel(s.Context()))) })
	return conn
}

// own does something as the owner.
func (s *service) own(sql string) {
	s.Helper()
	_, err := s.owner.Exec(s.Context(), sql)
	require.NoError(s, err)
}

func (s *service) exec(sql string) {
	s.Helper()
	_, err := s.conn.Exec(s.Context(), sql)
	require.NoError(s, err, sql)
}

// refused asserts that PostgreSQL refuses what the service asks for, with the code.
func (s *service) refused(code, sql string) {
	s.Helper()
	_, err := s.conn.Exec(s.Context(), sql)
	var refused *pgconn.PgError
	require.ErrorAs(s, err, &refused, sql)
	require.Equal(s, code, refused.Code, "%s: %s", sql, refused.Message)
}

// importing does something while another session imports into an event.
func (s *service) importing(event string, do func()) {
	s.Helper()
	s.own(`SELECT pg_advisory_lock(` + event + `::bigint << 3 | 1)`)
	do()
	s.own(`SELECT pg_advisory_unlock(` + event + `::bigint << 3 | 1)`)
}

func (s *service) tables(pattern string) (names []string) {
	s.Helper()
	rows, err := s.owner.Query(s.Context(),
		`SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND relname ~ $1 ORDER BY 1`, pattern)
	require.NoError(s, err)
	names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s, err)
	return names
}

const (
	wrongState    = "55000" // object_not_in_prerequisite_state
	wrongArgument = "22023" // invalid_parameter_value
	notAllowed    = "42501" // insufficient_privilege
)

// What a process needs, the functions make, with the rights on it: a type, a partition, a stage. They drop a stage, and
// the partition of an event that is no more.
func TestServiceMakesTablesThroughFunctions(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.own(`CREATE SCHEMA backup; CREATE TABLE backup.campaign_events AS TABLE campaign_events`) // a copy misleads no one
	s.exec(`SELECT create_event_type_tables('TEA', 'points'); UPDATE event_types SET state = 'TABLES' WHERE code = 'TEA'`)
	s.exec(`INSERT INTO campaign_events (id, campaign_id, event_type, created_by) VALUES (5, 'tea', 'TEA', 'test')`)
	s.exec(`BEGIN; SELECT create_targets_partition('TEA', 5);
		INSERT INTO tea_targets_5 (event_id, amount, partition_key, member_id) VALUES (5, 1, 0, 'kim');
		SELECT index_targets_partition('TEA', 5), attach_targets_partition('TEA', 5); COMMIT;
		SELECT analyze_targets('TEA')`)
	s.exec(`UPDATE tea_targets SET publish_status = 'PUBLISHED';
		INSERT INTO tea_results (event_id, amount, member_id) SELECT event_id, amount, member_id FROM tea_targets;
		UPDATE tea_results SET status = 'SUCCESS'; SELECT setval('tea_targets_id_seq', 7), count(*) FROM tea_targets_default`)
	s.refused(notAllowed, `UPDATE tea_results SET amount = 7`)
	s.refused(notAllowed, `DELETE FROM tea_results`)
	s.refused(notAllowed, `UPDATE tea_targets_5 SET amount = 7`)
	s.refused(notAllowed, `DROP TABLE tea_targets_5`)
	s.exec(`DELETE FROM tea_targets; DELETE FROM campaign_events WHERE id = 5; SELECT drop_targets_partition('TEA', 5)`)
	s.exec(`SELECT drop_targets_partition('TEA', 5)`)
	require.Equal(t, []string{"tea_results", "tea_targets", "tea_targets_default"}, s.tables(`^tea_`))

	var stage string
	s.importing("1", func() {
		require.NoError(t, s.conn.QueryRow(t.Context(), `SELECT create_import_stage(1)`).Scan(&stage))
	})
	require.Regexp(t, `^import_stage_1_[0-9a-f]{8}$`, stage)
	s.exec(`INSERT INTO ` + stage + ` (line) VALUES (1); SELECT line FROM ` + stage)
	s.refused(notAllowed, `DROP TABLE `+stage)
	s.exec(`SELECT drop_import_stage(1, '` + strings.TrimPrefix(stage, "import_stage_1_") + `')`)
	require.Empty(t, s.tables(`^import_stage_`))
	require.Empty(t, s.tables(`^mine`))
}

// Two processes that tidy up at once drop a stage once, and neither fails.
func TestStageIsDroppedOnceByTwo(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.own(`CREATE UNLOGGED TABLE import_stage_1_left (n int)`)
	drop := `SELECT drop_import_stage(1, 'left')`
	s.own(`BEGIN; ` + drop)
	second := make(chan error, 1)
	go func() {
		_, err := s.conn.Exec(t.Context(), drop)
		second <- err
	}()
	require.Eventually(t, func() (waits bool) {
		require.NoError(t, s.owner.QueryRow(t.Context(),
			`SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = $1)`, s.conn.PgConn().PID()).Scan(&waits))
		return waits
	}, time.Minute, 10*time.Millisecond)
	s.own(`COMMIT`)
	require.NoError(t, <-second)
	require.Empty(t, s.tables(`^import_stage_`))
}

// The functions make and drop nothing else, whatever they are asked for.
func TestFunctionsOfTheOwnerRefuse(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.own(`CREATE TABLE point_targets_77 (n int); CREATE TABLE import_stage_77_keep (n int);
		CREATE UNLOGGED TABLE import_stage_77_keepthistoo (n int)`)
	before := s.tables(`.`)
	for _, args := range []string{
		`'NOPE', 'points'`, `'POINT', 'points'`, `'TEA', 'vouchers'`, `'TEA', 'other'`, `'TEA', NULL`, `NULL, 'points'`,
		`'tea', 'points'`, `'TEA_targets; DROP TABLE audit_log', 'points'`,
	} {
		s.refused(wrongState, `SELECT create_event_type_tables(`+args+`)`)
	}
	s.importing("4", func() {
		for _, args := range []string{
			`'POINT', 99`, `'POINT', 2`, `'VOUCHER', 1`, `'POINT', 4`, `'POINT', NULL`, `NULL, 1`, `'point', 1`,
			`'AUDIT_LOG', 1`,
		} {
			for _, name := range []string{"create", "index", "attach"} {
				s.refused(wrongState, `SELECT `+name+`_targets_partition(`+args+`)`)
			}
		}
	})
	s.refused(wrongState, `SELECT create_targets_partition('POINT', 3)`)
	s.refused(wrongState, `SELECT drop_targets_partition('POINT', 1)`)
	s.exec(`SELECT drop_targets_partition('POINT', 77), drop_targets_partition('AUDIT_LOG', 77), drop_targets_partition('POINT', NULL)`)

	for _, event := range []string{"1", "99", "2", "NULL"} {
		s.refused(wrongState, `SELECT create_import_stage(`+event+`)`)
	}
	s.importing("2", func() { s.refused(wrongState, `SELECT create_import_stage(2)`) })
	s.exec(`SELECT drop_import_stage(77, 'keep'), drop_import_stage(77, NULL), drop_import_stage(78, 'keep')`)
	for _, word := range []string{"keepthistoo", "a, audit_log", "", "a_b", "A"} {
		s.refused(wrongArgument, `SELECT drop_import_stage(77, '`+word+`')`)
	}
	s.refused(wrongArgument, `SELECT analyze_targets('AUDIT_LOG')`)
	s.refused(notAllowed, `SELECT copy_rights('audit_log', 'audit_log')`)
	require.Equal(t, before, s.tables(`.`))
}

// Objects of a session's own, which stand in front of the real ones, move no function.
func TestFunctionsOfTheOwnerReadNothingOfTheSession(t *testing.T) {
	t.Parallel()
	s := newService(t)
	before := s.tables(`.`)
	s.exec(`CREATE TEMP TABLE event_types AS SELECT * FROM public.event_types;
		INSERT INTO pg_temp.event_types (code, operation, state) VALUES ('EVIL', 'points', 'CREATING');
		CREATE TEMP TABLE campaign_events AS SELECT * FROM public.campaign_events;
		INSERT INTO pg_temp.campaign_events (id, event_type, event_status) VALUES (4711, 'POINT', 'PENDING');
		CREATE TEMP TABLE pg_class AS SELECT * FROM pg_catalog.pg_class;
		UPDATE pg_temp.pg_class SET relname = 'import_stage_7_evil', relpersistence = 'u' WHERE relname = 'starts';
		GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
		CREATE TEMP TABLE pg_inherits AS SELECT * FROM pg_catalog.pg_inherits LIMIT 0;
		CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'audit' $$;
		CREATE FUNCTION pg_temp.mine(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'code of the session'; END $$;
		CREATE OPERATOR pg_temp.!~ (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.mine);
		CREATE FUNCTION pg_temp.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP TABLE public.starts' $$;
		SET search_path = pg_temp, public, pg_catalog`)
	s.exec(`SELECT public.drop_import_stage(7, 'evil'); DELETE FROM pg_temp.pg_class`)
	s.refused(wrongState, `SELECT public.create_event_type_tables('EVIL', 'points')`)
	s.refused(wrongState, `SELECT public.create_targets_partition('POINT', 4711)`)
	s.refused(wrongState, `SELECT public.drop_targets_partition('POINT', 1)`)
	s.exec(`BEGIN; SELECT public.create_event_type_tables('TEA', 'points'), public.create_targets_partition('POINT', 1),
			public.index_targets_partition('POINT', 1), public.attach_targets_partition('POINT', 1);
		SELECT FROM public.tea_targets, public.tea_results; ROLLBACK`)
	require.Equal(t, before, s.tables(`.`))
}

// As the role of the service, nothing of the history can be changed or taken away, and no table made.
func TestServiceCannotChangeHistory(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, table := range []string{
		"audit_log", "audit_chain", "audit_anchors", "starts", "deleted_events", "deleted_imports", "idempotency_keys",
		"money.point_member", "money.point_draw", "money.seal_keys", "money.voucher_events", "granter_ledgers", "pin_keys",
	} {
		s.refused(notAllowed, `DELETE FROM `+table)
		s.refused(notAllowed, `DO $$ DECLARE col name := (SELECT attname FROM pg_attribute WHERE attrelid = '`+table+`'::regclass
				AND attnum = 1); BEGIN EXECUTE format('UPDATE `+table+` SET %I = %I', col, col); END $$`)
		s.refused(notAllowed, `TRUNCATE `+table)
		s.refused(notAllowed, `DROP TABLE `+table)
		s.refused(notAllowed, `ALTER TABLE `+table+` DISABLE TRIGGER ALL`)
		s.refused(notAllowed, `ALTER TABLE `+table+` OWNER TO CURRENT_USER`)
	}
	for _, sql := range []string{
		`DROP TRIGGER audit_log_no_change ON audit_log`, `DROP FUNCTION refuse_audit_change() CASCADE`,
		`CREATE TRIGGER mine BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()`,
		`CREATE RULE mine AS ON INSERT TO audit_log DO INSTEAD NOTHING`,
		`SET session_replication_role = replica`, `COPY audit_log TO PROGRAM 'cat'`,
		`UPDATE money.point_lot SET point = point`, `DELETE FROM money.point_lot`, `DELETE FROM money.point_cancel`,
		`UPDATE money.ledger SET id = id`, `UPDATE installation SET id = id`, `DELETE FROM money.vouchers`,
		`DELETE FROM point_results`, `UPDATE voucher_results SET amount = amount`, `UPDATE point_targets SET amount = amount`,
		`UPDATE imports SET accepted = accepted`, `UPDATE grant_chunks SET content_hash = content_hash`,
		`UPDATE campaign_events SET created_by = created_by`, `DELETE FROM event_types`, `DELETE FROM principals`,
		`CREATE TABLE mine ()`, `CREATE TABLE money.mine ()`, `CREATE TABLE river.mine ()`, `CREATE SCHEMA mine`,
		`CREATE FUNCTION mine() RETURNS void LANGUAGE sql AS ''`, `ALTER FUNCTION drop_import_stage(bigint, text) SECURITY INVOKER`,
		`DROP TABLE point_targets_default`, `ALTER TABLE point_results ADD COLUMN mine int`,
	} {
		s.refused(notAllowed, sql)
	}
	_, err := s.conn.Exec(t.Context(), `GRANT UPDATE ON audit_log TO CURRENT_USER`)
	require.NoError(t, err, "PostgreSQL warns, and grants nothing")
	s.refused(notAllowed, `UPDATE audit_log SET actor = actor`)
}
