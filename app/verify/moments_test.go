package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bestow/internal/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// mayBeAhead are the columns of moments that are ahead by right, or prove nothing; docs/verify.md says why. A name that
// ends in a dot stands for a table.
var mayBeAhead = []string{
	"updated_at", "expiry_at", "voucher_expiry_at", "expires_at", "reservation_at", "open_until",
	"event_types.", "principals.", "api_keys.", "passwords.", "identities.", "invites.", "sessions.", "uploads.",
	"upload_pieces.", "ended_uploads.", "brakes.", "processes.", "installation.", "deleted_events.", "deleted_imports.",
	"reconcile_moments.", "granter_ledgers.", "goose_db_version.",
	"money.point_master.", "money.point_due.", "money.point_forecast.", "money.point_total.",
	"money.point_policy_uses.", "money.ledger.paired_at",
}

// atRest says of the planted world that its audit and its reports have rows too.
const atRest = `INSERT INTO audit_log (at, actor, action, object) VALUES (now(), 'kim', 'x', 'y');
	INSERT INTO audit_chain (position, audit_id, hash) SELECT 1, id, sha256(convert_to(ROW(id, (extract(epoch FROM at) * 1000000)::bigint, actor,
		key_id, action, event_id, object, before::text, after::text, reason, request_id)::text, 'UTF8')) FROM audit_log;
	INSERT INTO audit_anchors (position, hash) SELECT position, hash FROM audit_chain`

// No row of what is compared was made at a moment to come, whatever column says it.
func TestMomentsToCome(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), atRest)
	require.NoError(t, err)
	require.NoError(t, plantedVerifier(pool).MakeReport(t.Context(), 8, "test"))
	require.Empty(t, redAfter(t, pool, `SELECT 1`))
	tried := 0
	for _, column := range momentColumns(t, pool) {
		tried++
		require.NotEmpty(t, redAfter(t, pool, column), "nothing sees %s", column)
	}
	require.Greater(t, tried, 25)
}

// momentColumns returns a statement for each column of moments that a report compares: it moves all of them to 2099.
func momentColumns(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	const query = `SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, a.attname
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'money') AND a.attnum > 0 AND NOT a.attisdropped
		  AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype) ORDER BY 1, 2`
	rows, err := pool.Query(t.Context(), query)
	require.NoError(t, err)
	var statements []string
	var table, column string
	_, err = pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		if !slices.ContainsFunc(mayBeAhead, func(name string) bool {
			return name == column || name == table+"." || name == table+"."+column
		}) {
			statements = append(statements, fmt.Sprintf("UPDATE %s SET %s = '2099-01-01'", table, column))
		}
		return nil
	})
	require.NoError(t, err)
	return statements
}

// redAfter returns the invariants that do not hold after the statement, which is undone.
func redAfter(t *testing.T, pool *pgxpool.Pool, sql string) (red []string) {
	t.Helper()
	errUndone := errors.New("undone")
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; `+sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		g, err := guard(t.Context(), tx)
		if err != nil {
			return err
		}
		v := verification{
			zone: defaultZone, unsealer: plantedUnsealer{}, keys: plantedStore, list: invariants(), pool: pool,
		}
		if err := v.prepare(t.Context(), g); err != nil {
			return err
		}
		for _, inv := range v.list {
			if inv.id == schemaInvariant {
				continue
			}
			f, err := v.tryCheck(t.Context(), g, inv)
			if err != nil {
				return err
			}
			if f.differences > 0 {
				red = append(red, inv.id)
			}
			require.NotContains(t, strings.Join(f.examples, "\n"), "cannot be compared")
		}
		return errUndone
	})
	require.ErrorIs(t, err, errUndone)
	return red
}

// auditRow is a person's change of an event, some minutes ago.
func auditRow(event int64, action string, minutesAgo int) string {
	return fmt.Sprintf(`INSERT INTO audit_log (at, actor, action, event_id, object)
		VALUES (now() - interval '%d minutes', 'kim', '%s', %d, 'event %[3]d'); `, minutesAgo, action, event)
}

// stoppedAgo says that an event was stopped that many minutes ago.
func stoppedAgo(event int64, minutes int) string {
	return fmt.Sprintf(`UPDATE campaign_event_summary SET stopped_at = now() - interval '%d minutes', stopped_memo = 'x'
		WHERE event_id = %d; `, minutes, event)
}

// A stop of an event that went on has its rows in the audit, and a stop of the audit has its moment in the event.
func TestStopsOfTheAudit(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `UPDATE campaign_events SET created_at = now() - interval '3 hours' WHERE id = 8;
		UPDATE campaign_event_summary SET started_at = now() - interval '2 hours' WHERE event_id = 8`)
	require.NoError(t, err)
	made := auditRow(8, "event.create", 180)
	stop, resume := auditRow(8, "event.stop", 90), auditRow(8, "event.resume", 30)
	for name, c := range map[string]struct{ sql, red string }{
		"no audit":                      {stoppedAgo(8, 90), ""},
		"stopped and resumed":           {made + stop + resume + stoppedAgo(8, 90), ""},
		"failed and resumed":            {made + resume + stoppedAgo(8, 60), ""},
		"stopped, resumed, failed":      {made + stop + auditRow(8, "event.resume", 80) + resume + stoppedAgo(8, 60), ""},
		"invented":                      {made + stoppedAgo(8, 90), "the audit has no resume since"},
		"taken away":                    {made + stop + resume, "as the audit says, and has no stopped_at"},
		"moved back":                    {made + stop + resume + stoppedAgo(8, 100), "and the audit has a stop of"},
		"moved behind its resume":       {made + stop + resume + stoppedAgo(8, 10), "the audit has no resume since"},
		"moved on, before its resume":   {made + stop + resume + stoppedAgo(8, 60), "and no resume between"},
		"of an event that still stands": {auditRow(5, "event.create", 180) + auditRow(5, "event.stop", 90), "and no resume between"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := strings.Join(stampsAfter(t, pool, c.sql), "\n")
			if c.red == "" {
				require.Empty(t, said)
				return
			}
			require.Contains(t, said, c.red)
		})
	}
}

// stampsAfter returns what I39 finds after the statements, which are undone.
func stampsAfter(t *testing.T, pool *pgxpool.Pool, sql string) (said []string) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // of a transaction that the test gives up
	_, err = tx.Exec(t.Context(), sql)
	require.NoError(t, err)
	g, err := guard(t.Context(), tx)
	require.NoError(t, err)
	v := verification{list: invariants()}
	i := slices.IndexFunc(v.list, func(inv invariant) bool { return inv.id == "I39" })
	f, err := v.check(t.Context(), g, v.list[i])
	require.NoError(t, err)
	return f.examples
}

// What the registry says of a type is what the audit says of it.
func TestTypesOfTheAudit(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO event_types (code, label, granter, operation, topic, state)
			VALUES ('COUPON', 'x', 'acme', 'vouchers', 'coupon', 'CREATING');
		SELECT create_event_type_tables('COUPON', 'vouchers');
		UPDATE event_types SET state = 'READY' WHERE code = 'COUPON';
		INSERT INTO audit_log (actor, action, object, after) VALUES
			('kim', 'type.create', 'event type COUPON', '{"state": "CREATING", "granter": "acme", "operation": "vouchers"}'),
			('kim', 'type.edit', 'event type POINT', '{"state": "READY", "granter": "money", "operation": "points"}')`)
	require.NoError(t, err)
	for sql, want := range map[string]string{
		`SELECT 1`: "",
		`UPDATE event_types SET granter = 'evil' WHERE code = 'COUPON'`:     "type COUPON says evil, and its last row of the audit says acme",
		`UPDATE event_types SET granter = 'evil' WHERE code = 'POINT'`:      "type POINT says evil, and its last row of the audit says money",
		`UPDATE event_types SET operation = 'points' WHERE code = 'COUPON'`: "type COUPON is registered for points",
		`UPDATE event_types SET state = 'RETIRED' WHERE code = 'COUPON'`:    "type COUPON says RETIRED, and its last row of the audit says not RETIRED",
		`UPDATE event_types SET state = 'CREATING' WHERE code = 'COUPON'`:   "type COUPON is CREATING, and has its tables",
		`UPDATE event_types SET state = 'TABLES' WHERE code = 'COUPON'`:     "",
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			tx, err := pool.Begin(t.Context())
			require.NoError(t, err)
			defer tx.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // of a transaction that the test gives up
			_, err = tx.Exec(t.Context(), sql)
			require.NoError(t, err)
			g, err := guard(t.Context(), tx)
			require.NoError(t, err)
			var v verification
			v.tables, err = readPresentTypes(t.Context(), g)
			require.NoError(t, err)
			f := finding{measures: measures{}}
			require.NoError(t, compareTypes(t.Context(), g, &v, &f))
			if want == "" {
				require.Empty(t, f.examples)
				return
			}
			require.Contains(t, strings.Join(f.examples, "\n"), want)
		})
	}
}
