package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a forger with a database login leaves is red by name.
func TestForgeries(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ name, sql, red string }{
		{"C22 a type hidden, its results emptied", `UPDATE event_types SET state = 'CREATING' WHERE code = 'POINT'; TRUNCATE point_results`, "I5"},
		{"C22 another granter, the ledger's points emptied of one event", `UPDATE event_types SET granter = 'other' WHERE code = 'POINT'; DELETE FROM money.point_member WHERE ref_unique_id = '8'`, "I3"},
		{"C22 state alone", `UPDATE event_types SET state = 'CREATING' WHERE code = 'VOUCHER'`, "I35"},
		{"C22 operation", `UPDATE event_types SET operation = 'points' WHERE code = 'VOUCHER'`, "I35"},
		{"C23 codes swapped in the ledger", `UPDATE money.vouchers v SET sealed_code = o.sealed_code FROM money.vouchers o WHERE v.voucher_id = 7000 AND o.voucher_id = 7001`, "I37"},
		{"C23 PIN emptied in the ledger", `UPDATE money.vouchers SET sealed_pin = '' WHERE voucher_id = 7000`, "I37"},
		{"C23 HMAC", `UPDATE money.vouchers SET code_hmac = 'x' WHERE voucher_id = 7000`, "I37"},
		{"C23 the ledger's data key", `UPDATE money.seal_keys SET wrapped = 'x' WHERE ref = '7'`, "I37"},
		{"C23 the ledger's own key", `DELETE FROM money.seal_keys WHERE ref = ''`, "I37"},
		{"C23 the event's data key", `UPDATE pin_keys SET wrapped = 'x' WHERE event_id = 7`, "I37"},
		{"C23 code of a result", `UPDATE voucher_results SET voucher_code = 'forged' WHERE event_id = 7 AND member_id = 'm00'`, "I37"},
		{"C23 PIN of a result", `UPDATE voucher_results SET voucher_pin = NULL WHERE event_id = 7 AND member_id = 'm00'`, "I37"},
		{"C23 expiry of a result", `UPDATE voucher_results SET voucher_expiry_at = now() WHERE event_id = 7 AND member_id = 'm00'`, "I37"},
		{"C25 expiry_at", `UPDATE money.point_member SET expiry_at = now() + interval '9 years' WHERE point_member_id = 8000`, "I36"},
		{"C25 expiry_date", `UPDATE money.point_member SET expiry_date = '20270101' WHERE point_member_id = 9001`, "I36"},
		{"C25 issue_date", `UPDATE money.point_member SET issue_date = '20200101' WHERE point_member_id = 8000`, "I36"},
		{"C25 a detail's kind", `UPDATE money.point_member_detail SET point_status_code = 'U' WHERE point_member_id = 8000`, "I21"},
		{"C25 a cause", `UPDATE money.point_member SET point_type_code = 'CS' WHERE point_member_id = 8000`, "I36"},
		{"C25 no campaign", `UPDATE money.point_member SET ref_unique_id = NULL WHERE point_member_id = 8000`, "I36"},
		{"C25 a reason", `UPDATE money.point_member SET reason = 'x' WHERE point_member_id = 8000`, "I36"},
		{"C25 a memo", `UPDATE money.point_member SET memo = 'x' WHERE point_member_id = 8000`, "I36"},
		{"C25 a use's detail", `UPDATE money.point_member_detail SET point = -999 WHERE point_member_id = 9003 AND save_point_member_id = 9001`, "I17"},
		{"C25 expiry of a voucher", `UPDATE money.vouchers SET expiry_at = now() WHERE voucher_id = 7000`, "I37"},
		{"C26 rejected rows deleted", `DELETE FROM rejected_rows`, "I38"},
		{"C26 a rejected row changed", `UPDATE rejected_rows SET raw = 'x' WHERE line = 7`, "I38"},
		{"C26 a rejected row and the number", `DELETE FROM rejected_rows WHERE line = 7; UPDATE imports SET rejected = 1 WHERE id = 1`, "I38"},
		{"C26 an import's hash", `UPDATE imports SET sha256 = 'x' WHERE id = 8`, "I38"},
		{"C26 an import's numbers", `UPDATE imports SET accepted = accepted + 1 WHERE id = 8`, "I38"},
		{"C26 COMPLETED set to STOPPED", `UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = 8; UPDATE campaign_event_summary SET completed_at = NULL WHERE event_id = 8`, "I39"},
		{"C26 with stamps", `UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = 8;
			UPDATE campaign_event_summary SET completed_at = NULL, stopped_at = now() + interval '1s', stopped_memo = 'x' WHERE event_id = 8`, "I39"},
		{"C26 failure_code", `UPDATE campaign_events SET failure_code = NULL WHERE id = 6`, "I39"},
		{"C26 started_at", `UPDATE campaign_event_summary SET started_at = NULL WHERE event_id = 8`, "I39"},
		{"C26 a unique constraint", `ALTER TABLE point_results DROP CONSTRAINT point_results_member_key`, "I41"},
		{"C26 a check", `ALTER TABLE campaign_events DROP CONSTRAINT campaign_events_total_count_check`, "I41"},
		{"C26 a type of a column", `ALTER TABLE imports ALTER accepted TYPE bigint`, "I41"},
		{"C26 a trigger", `CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER quiet BEFORE INSERT ON point_results FOR EACH ROW EXECUTE FUNCTION quiet()`, "I41"},
		{"C26 triggers off", `ALTER TABLE imports DISABLE TRIGGER ALL`, "I41"},
		{"C26 a rule", `CREATE RULE quiet AS ON DELETE TO imports DO INSTEAD NOTHING`, "I41"},
		{"C26 a function", `CREATE OR REPLACE FUNCTION import_digest(import bigint) RETURNS bytea LANGUAGE sql STABLE AS 'SELECT digest FROM imports WHERE id = import'`, "I41"},
		{"C26 a migration", `DELETE FROM goose_db_version WHERE version_id = 12`, "I41"},
		{"C26 a partition's key", `ALTER TABLE point_targets_1 DROP CONSTRAINT only_this_event`, "I41"},
		{"C28 an event erased", `DELETE FROM money.point_member WHERE ref_unique_id = '8'; DELETE FROM money.point_member_detail WHERE point_member_id BETWEEN 8000 AND 8999;
			DELETE FROM point_results WHERE event_id = 8; DELETE FROM point_targets WHERE event_id = 8; DELETE FROM grant_chunks WHERE event_id = 8;
			DELETE FROM campaign_events WHERE id = 8`, "I42"},
		{"C28 a deletion's record", `DELETE FROM deleted_events WHERE event_id = 9`, "I42"},
		{"a sequence set back", `SELECT setval('imports_id_seq', 1)`, "I42"},
		{"a parked message", `UPDATE parked_messages SET payload = 'x'`, "I43"},
		{"a stored answer", `UPDATE idempotency_keys SET answer = '{}'`, "I43"},
		{"a result's transaction", `UPDATE point_results SET money_tx_id = 'P1' WHERE event_id = 4 OR status = 'PERMANENTLY_FAILED'`, "I40"},
		{"a result's error", `UPDATE point_results SET error_code = 'x' WHERE event_id = 8 AND member_id = 'm00'`, "I40"},
		{"a chunk's stamp", `UPDATE grant_chunks SET settled_at = NULL WHERE event_id = 8`, "I40"},
		{"a chunk's topic", `UPDATE grant_chunks SET topic = 'x', kafka_partition = 0, kafka_offset = 0 WHERE event_id = 8`, "I40"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), f.sql)
			require.NoError(t, err)
			_, red := verify(t, pool, VerifyQuery{})
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
		"sha256":     `UPDATE verify_reports SET report = regexp_replace(report::text, '"sha256":"[0-9a-f]*"', '"sha256":"00"')::json`,
		"all of it":  `UPDATE verify_reports SET ok = NOT ok, report = replace(report::text, '"ok":', '"OK":')::json`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			reports := &Reports{Deps{Pool: pool}}
			for range 3 {
				require.NoError(t, reports.MakeReport(t.Context(), 7, "<누구>"))
			}
			_, err := pool.Exec(t.Context(), sql)
			require.NoError(t, err)
			_, red := verify(t, pool, VerifyQuery{})
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
	exec(`UPDATE river.river_job SET state = 'cancelled', finalized_at = now() - interval '8 days' WHERE args @> '{"event_id": 3, "first_id": 3012}'`)
	_, red := verify(t, pool, VerifyQuery{Event: "3"})
	require.Equal(t, []string{"I11", "I15"}, red)
	require.NoError(t, (&Events{Deps{Pool: pool}}).Tidy(t.Context()))
	_, red = verify(t, pool, VerifyQuery{Event: "3"})
	require.Equal(t, []string{"I11", "I15"}, red, "its harm is open, so it is kept")
	exec(`INSERT INTO river.river_job (state, kind, args, max_attempts, queue) SELECT 'available', kind, args, max_attempts, queue FROM river.river_job
		WHERE state = 'cancelled' AND args @> '{"event_id": 3}'`)
	report, red := verify(t, pool, VerifyQuery{Event: "3"})
	require.Empty(t, red)
	require.Contains(t, report.Invariants[14].Compared, "1 cancelled, healed")
	require.NoError(t, (&Events{Deps{Pool: pool}}).Tidy(t.Context()))
	report, _ = verify(t, pool, VerifyQuery{Event: "3"})
	require.NotContains(t, report.Invariants[14].Compared, "cancelled")
}
