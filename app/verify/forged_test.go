package verify

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// forgery holds what a forger with a database login leaves.
type forgery struct {
	name, sql string
	red       string // the invariant that does not hold then; "" in contentForgeries, where it is I24
	open      string // the invariant that is not compared then
}

// rowForgeries change rows of tables, or the tables.
func rowForgeries() []forgery {
	return []forgery{
		{name: "C22 a type hidden, its results emptied", sql: `UPDATE event_types SET state = 'CREATING' WHERE code = 'POINT'; TRUNCATE point_results`, red: "I5"},
		{name: "C22 another granter, the ledger's points emptied of one event", sql: `UPDATE event_types SET granter = 'other' WHERE code = 'POINT'; DELETE FROM money.point_member WHERE ref_unique_id = '8'`, red: "I3"},
		{name: "C22 state alone", sql: `UPDATE event_types SET state = 'CREATING' WHERE code = 'VOUCHER'`, red: "I35"},
		{name: "C22 operation", sql: `UPDATE event_types SET operation = 'points' WHERE code = 'VOUCHER'`, red: "I35"},
		{name: "C23 codes swapped in the ledger", sql: `UPDATE money.vouchers v SET sealed_code = o.sealed_code FROM money.vouchers o WHERE v.voucher_id = 7000 AND o.voucher_id = 7001`, red: "I37"},
		{name: "C23 PIN emptied in the ledger", sql: `UPDATE money.vouchers SET sealed_pin = '' WHERE voucher_id = 7000`, red: "I37"},
		{name: "C23 HMAC", sql: `UPDATE money.vouchers SET code_hmac = 'x' WHERE voucher_id = 7000`, red: "I37"},
		{name: "C23 the ledger's data key", sql: `UPDATE money.seal_keys SET wrapped = 'x' WHERE ref = '7'`, red: "I37"},
		{name: "C23 the ledger's own key", sql: `DELETE FROM money.seal_keys WHERE ref = ''`, red: "I37"},
		{name: "C23 the event's data key", sql: `UPDATE pin_keys SET wrapped = 'x' WHERE event_id = 7`, red: "I37"},
		{name: "C23 code of a result", sql: `UPDATE voucher_results SET voucher_code = 'forged' WHERE event_id = 7 AND member_id = 'm00'`, red: "I37"},
		{name: "C23 PIN of a result", sql: `UPDATE voucher_results SET voucher_pin = NULL WHERE event_id = 7 AND member_id = 'm00'`, red: "I37"},
		{name: "C23 expiry of a result", sql: `UPDATE voucher_results SET voucher_expiry_at = now() WHERE event_id = 7 AND member_id = 'm00'`, red: "I37"},
		{name: "C25 expiry_at", sql: `UPDATE money.point_member SET expiry_at = now() + interval '9 years' WHERE point_member_id = 8000`, red: "I36"},
		{name: "C25 expiry_date", sql: `UPDATE money.point_member SET expiry_date = '20270101' WHERE point_member_id = 9001`, red: "I36"},
		{name: "C25 issue_date", sql: `UPDATE money.point_member SET issue_date = '20200101' WHERE point_member_id = 8000`, red: "I36"},
		{name: "C25 a detail's kind", sql: `UPDATE money.point_member_detail SET point_status_code = 'U', remaining = NULL WHERE point_member_id = 8000`, red: "I21"},
		{name: "C25 a cause", sql: `UPDATE money.point_member SET point_type_code = 'CS' WHERE point_member_id = 8000`, red: "I36"},
		{name: "C25 no campaign", sql: `UPDATE money.point_member SET ref_unique_id = NULL WHERE point_member_id = 8000`, red: "I36"},
		{name: "C25 a reason", sql: `UPDATE money.point_member SET reason = 'x' WHERE point_member_id = 8000`, red: "I36"},
		{name: "C25 a memo", sql: `UPDATE money.point_member SET memo = 'x' WHERE point_member_id = 8000`, red: "I36"},
		{name: "C25 a use's detail", sql: `UPDATE money.point_member_detail SET point = -999 WHERE point_member_id = 9003 AND save_point_member_id = 9001`, red: "I17"},
		{name: "C25 expiry of a voucher", sql: `UPDATE money.vouchers SET expiry_at = now() WHERE voucher_id = 7000`, red: "I37"},
		{name: "C26 rejected rows deleted", sql: `DELETE FROM rejected_rows`, red: "I38"},
		{name: "C26 a rejected row changed", sql: `UPDATE rejected_rows SET raw = 'x' WHERE line = 7`, red: "I38"},
		{name: "C26 a rejected row and the number", sql: `DELETE FROM rejected_rows WHERE line = 7; UPDATE imports SET rejected = 1 WHERE id = 1`, red: "I38"},
		{name: "C26 an import's hash", sql: `UPDATE imports SET sha256 = 'x' WHERE id = 8`, red: "I38"},
		{name: "C26 an import's numbers", sql: `UPDATE imports SET accepted = accepted + 1 WHERE id = 8`, red: "I38"},
		{name: "C26 COMPLETED set to STOPPED", sql: `UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = 8; UPDATE campaign_event_summary SET completed_at = NULL WHERE event_id = 8`, red: "I39"},
		{name: "C26 with stamps", sql: `UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = 8;
			UPDATE campaign_event_summary SET completed_at = NULL, stopped_at = now() + interval '1s', stopped_memo = 'x' WHERE event_id = 8`, red: "I39"},
		{name: "C26 failure_code", sql: `UPDATE campaign_events SET failure_code = NULL WHERE id = 6`, red: "I39"},
		{name: "C26 started_at", sql: `UPDATE campaign_event_summary SET started_at = NULL WHERE event_id = 8`, red: "I39"},
		{name: "C26 a unique constraint", sql: `ALTER TABLE point_results DROP CONSTRAINT point_results_member_key`, red: "I41"},
		{name: "C26 a check", sql: `ALTER TABLE campaign_events DROP CONSTRAINT campaign_events_total_count_check`, red: "I41"},
		{name: "C26 a type of a column", sql: `ALTER TABLE imports ALTER accepted TYPE bigint`, red: "I41"},
		{
			name: "C26 a trigger",
			sql: `CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER quiet BEFORE INSERT ON point_results FOR EACH ROW EXECUTE FUNCTION quiet()`, red: "I41",
		},
		{name: "C26 triggers off", sql: `ALTER TABLE imports DISABLE TRIGGER ALL`, red: "I41"},
		{name: "C26 a rule", sql: `CREATE RULE quiet AS ON DELETE TO imports DO INSTEAD NOTHING`, red: "I41"},
		{name: "C26 a function", sql: `CREATE OR REPLACE FUNCTION import_digest(import bigint) RETURNS bytea LANGUAGE sql STABLE AS 'SELECT digest FROM imports WHERE id = import'`, red: "I41"},
		{name: "C26 a table that a crash empties", sql: `ALTER TABLE point_results SET UNLOGGED`, red: "I41"},
		{name: "C26 a constraint's index", sql: `UPDATE pg_index SET indisunique = false WHERE indexrelid = 'point_results_member_key'::regclass`, red: "I41"},
		{name: "C26 checks that are not made", sql: `UPDATE pg_class SET relchecks = 0 WHERE oid = 'imports'::regclass`, red: "I41"},
		{name: "C26 triggers that are not fired", sql: `UPDATE pg_class SET relhastriggers = false WHERE oid = 'grant_chunks'::regclass`, red: "I41"},
		{name: "C26 sessions without triggers", sql: `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$`, red: "I41"},
		{
			name: "C26 an operator",
			sql: `CREATE FUNCTION same(varchar, varchar) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT true $$;
			CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = same)`, red: "I41",
		},
		{name: "C26 a migration", sql: `DELETE FROM goose_db_version WHERE version_id = 12`, red: "I41"},
		{name: "C26 a partition's key", sql: `ALTER TABLE point_targets_1 DROP CONSTRAINT only_this_event`, red: "I41"},
		{
			name: "C28 an event erased",
			sql: `DELETE FROM money.point_member WHERE ref_unique_id = '8'; DELETE FROM money.point_member_detail WHERE point_member_id BETWEEN 8000 AND 8999;
			DELETE FROM point_results WHERE event_id = 8; DELETE FROM point_targets WHERE event_id = 8; DELETE FROM grant_chunks WHERE event_id = 8;
			DELETE FROM starts WHERE event_id = 8; DELETE FROM campaign_events WHERE id = 8`, red: "I42",
		},
		{name: "C28 the last id", sql: `UPDATE event_ids SET last_id = 3`, red: "I42"},
		{name: "C28 an infinite moment", sql: `UPDATE campaign_events SET updated_at = 'infinity' WHERE id = 4`, red: "I24"},
		{name: "C28 a deletion's record", sql: `DELETE FROM deleted_events WHERE event_id = 9`, red: "I42"},
		{name: "a sequence set back", sql: `SELECT setval('imports_id_seq', 1)`, red: "I42"},
		{name: "a parked message", sql: `UPDATE parked_messages SET payload = 'x'`, red: "I43"},
		{name: "a stored answer", sql: `UPDATE idempotency_keys SET answer = '{}'`, red: "I43"},
		{name: "a result's transaction", sql: `UPDATE point_results SET money_tx_id = 'P1' WHERE event_id = 4 OR status = 'PERMANENTLY_FAILED'`, red: "I40"},
		{name: "a result's error", sql: `UPDATE point_results SET error_code = 'x' WHERE event_id = 8 AND member_id = 'm00'`, red: "I40"},
		{name: "a chunk's stamp", sql: `UPDATE grant_chunks SET settled_at = NULL WHERE event_id = 8`, red: "I40"},
		{name: "a chunk's topic", sql: `UPDATE grant_chunks SET topic = 'x', kafka_partition = 0, kafka_offset = 0 WHERE event_id = 8`, red: "I40"},
	}
}

// A forgery is red by name, or what it leaves is named as not compared.
func TestForgeries(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(rowForgeries(), columnForgeries()) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), forging(f.sql))
			require.NoError(t, err)
			report, red := verify(t, pool, Query{})
			require.False(t, report.OK)
			if f.open != "" {
				require.Empty(t, red)
				require.Contains(t, report.Conclusion(), "not compared: "+f.open+": ")
				return
			}
			require.Contains(t, red, f.red)
		})
	}
}

// A kept report is what was made, in each of its columns.
func TestForgedReports(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"":           `SELECT 1`,
		"ok":         `UPDATE verify_reports SET ok = NOT ok`,
		"checked_by": `UPDATE verify_reports SET checked_by = 'x'`,
		"checked_at": `UPDATE verify_reports SET checked_at = checked_at + interval '1 microsecond'`,
		"event_id":   `UPDATE verify_reports SET event_id = 8`,
		"report":     `UPDATE verify_reports SET report = replace(report::text, '"differences":0', '"differences":1')::json`,
		"no report":  `UPDATE verify_reports SET report = '[]'`,
		"sha256":     `UPDATE verify_reports SET report = regexp_replace(report::text, '"sha256":"[0-9a-f]*"}$', '"sha256":"00"}')::json`,
		"a list":     `UPDATE verify_reports SET report = regexp_replace(report::text, '"sha256":"', '"sha256":"0')::json`,
		"all of it":  `UPDATE verify_reports SET ok = NOT ok, report = replace(report::text, '"ok":', '"OK":')::json`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			reports := poorVerifier(pool)
			for range 3 {
				require.NoError(t, reports.MakeReport(t.Context(), 7, "<누구>"))
			}
			_, err := pool.Exec(t.Context(), sql)
			require.NoError(t, err)
			_, red := verify(t, pool, Query{})
			if name == "" {
				require.Empty(t, red)
				return
			}
			require.Equal(t, []string{"I43"}, red)
		})
	}
}

// A job that was cancelled is red until another has done its work; then it is counted, and deleted after seven days.
func TestLostJobs(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	exec := func(sql string) {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	waiting, err := pool.Exec(t.Context(),
		`UPDATE river.river_job j SET state = 'cancelled', finalized_at = now() FROM campaign_events e
		WHERE j.args @> jsonb_build_object('event_id', e.id) AND e.event_status IN ('PENDING', 'STOPPED')`)
	require.NoError(t, err)
	require.Positive(t, waiting.RowsAffected())
	_, red := verify(t, pool, Query{})
	require.Empty(t, red, "a start and a resume give chunks their jobs (C8)")
	exec(`UPDATE river.river_job SET state = 'cancelled', finalized_at = now() - interval '8 days' WHERE args @> '{"event_id": 3, "first_id": 3012}'`)
	_, red = verify(t, pool, Query{Event: "3"})
	require.Equal(t, []string{"I11", "I15"}, red)
	require.NoError(t, poorVerifier(pool).DeleteHealedJobs(t.Context()))
	_, red = verify(t, pool, Query{Event: "3"})
	require.Equal(t, []string{"I11", "I15"}, red, "its harm is open, so it is kept")
	exec(`INSERT INTO river.river_job (state, kind, args, max_attempts, queue) SELECT 'available', kind, args, max_attempts, queue FROM river.river_job
		WHERE state = 'cancelled' AND args @> '{"event_id": 3}'`)
	report, red := verify(t, pool, Query{Event: "3"})
	require.Empty(t, red)
	require.Contains(t, report.Invariants[14].Compared, "1 cancelled, healed")
	exec(`UPDATE river.river_job SET finalized_at = now() - interval '6 days 23 hours' WHERE state = 'cancelled'`)
	require.NoError(t, poorVerifier(pool).DeleteHealedJobs(t.Context()))
	report, _ = verify(t, pool, Query{Event: "3"})
	require.Contains(t, report.Invariants[14].Compared, "1 cancelled, healed",
		"before seven days are over it is told of")
	exec(`UPDATE river.river_job SET finalized_at = now() - interval '7 days 1 hour' WHERE state = 'cancelled'`)
	require.NoError(t, poorVerifier(pool).DeleteHealedJobs(t.Context()))
	report, _ = verify(t, pool, Query{Event: "3"})
	require.NotContains(t, report.Invariants[14].Compared, "cancelled")
}
