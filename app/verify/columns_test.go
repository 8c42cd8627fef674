package verify

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// columnForgeries change one column each that the other lists leave alone.
func columnForgeries() []forgery {
	return []forgery{
		{name: "own_partition of shared targets", sql: `UPDATE campaign_events SET own_partition = true WHERE id = 8`, red: "I35"},
		{name: "own_partition of a partition", sql: `UPDATE campaign_events SET own_partition = NULL WHERE id = 1`, red: "I35"},
		{name: "updated_at of a completed event", sql: `UPDATE campaign_events SET updated_at = updated_at + interval '1s' WHERE id = 8`, red: "I39"},
		{name: "completed_at", sql: `UPDATE campaign_event_summary SET completed_at = completed_at - interval '1s' WHERE event_id = 8`, red: "I39"},
		{name: "stopped_at", sql: `UPDATE campaign_event_summary SET stopped_at = NULL WHERE event_id = 5`, red: "I39"},
		{name: "stopped_memo taken away", sql: `UPDATE campaign_event_summary SET stopped_memo = NULL WHERE event_id = 5`, red: "I39"},
		{name: "N8 stopped, shown as failed", sql: `UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'content_changed' WHERE id = 5`, red: "I39"},
		{name: "N8 stopped, shown as expired", sql: `UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'expired' WHERE id = 5`, red: "I39"},
		{
			name: "N8 stopped, shown as failed by a mismatch",
			sql: `UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = 5;
			UPDATE campaign_event_summary SET stopped_memo = 'the ledger contradicts itself: x' WHERE event_id = 5`,
			red: "I40",
		},
		{name: "failure_code", sql: `UPDATE campaign_events SET failure_code = 'missing_keys' WHERE id = 6`, red: "I39"},
		{name: "updated_at of a running event, to come", sql: `UPDATE campaign_events SET updated_at = now() + interval '1 year' WHERE id = 3`, red: "I39"},
		{name: "retry_success_count", sql: `UPDATE campaign_event_summary SET retry_success_count = 9 WHERE event_id = 1`, red: "I6"},
		{name: "publish_status", sql: `UPDATE point_targets SET publish_status = 'PENDING' WHERE event_id = 8 AND member_id = 'm00'`, red: "I4"},
		{
			name: "ids of two targets swapped",
			sql: `UPDATE point_targets SET id = id + 5000 WHERE event_id = 8 AND id < 8002;
			UPDATE point_targets SET id = 8000 + 13001 - id WHERE event_id = 8 AND id >= 13000`, red: "I24",
		},
		{name: "amounts of two targets swapped", sql: `UPDATE point_targets SET amount = 201 - amount WHERE event_id = 8 AND id < 8002`, red: "I24"},
		{name: "retry_count", sql: `UPDATE point_results SET retry_count = 0 WHERE event_id = 1 AND status = 'PERMANENTLY_FAILED'`, red: "I40"},
		{name: "redrive_done", sql: `UPDATE point_results SET redrive_done = redrive WHERE event_id = 1`, red: "I3"},
		{name: "status", sql: `UPDATE point_results SET status = 'PENDING', money_tx_id = NULL WHERE event_id = 8 AND member_id = 'm00'`, red: "I3"},
		{name: "claimed_at", sql: `UPDATE grant_chunks SET claimed_at = NULL WHERE event_id = 8`, red: "I40"},
		{name: "open_until", sql: `UPDATE grant_chunks SET open_until = now() WHERE event_id = 8`, red: "I40"},
		{name: "import_id", sql: `UPDATE grant_chunks SET import_id = 5 WHERE event_id = 8 AND first_id = 8004`, red: "I38"},
		{name: "header", sql: `UPDATE imports SET header = 'x' WHERE id = 8`, red: "I38"},
		{name: "bytes", sql: `UPDATE imports SET bytes = 2 WHERE id = 8`, red: "I38"},
		{name: "content_type", sql: `UPDATE imports SET content_type = 'x' WHERE id = 8`, red: "I38"},
		{name: "created_by of an import", sql: `UPDATE imports SET created_by = 'x' WHERE id = 8`, red: "I38"},
		{name: "digest of an import", sql: `UPDATE imports SET digest = NULL WHERE id = 8`, red: "I24"},
		{
			name: "digests and seals of an event's imports",
			sql:  `UPDATE imports SET digest = NULL, seal = NULL WHERE id = 8; UPDATE event_keys SET imports_seal = NULL WHERE event_id = 8` + ofVersion1(8),
			open: "I24, I38",
		},
		{name: "seal of an import", sql: `UPDATE imports SET seal = sha256('x') WHERE id = 8`, red: "I24"},
		{name: "seal of an import taken away", sql: `UPDATE imports SET seal = NULL WHERE id = 8`, red: "I24"},
		{name: "seal of the imports", sql: `UPDATE event_keys SET imports_seal = NULL WHERE event_id = 8`, red: "I24"},
		{name: "digest of a parked message", sql: `UPDATE parked_messages SET payload = 'x', digest = NULL`, open: "I43"},
		{name: "digest of an answer", sql: `UPDATE idempotency_keys SET answer = '{}', digest = NULL`, open: "I43"},
		{name: "position of a parked message", sql: `UPDATE parked_messages SET kafka_offset = 8`, red: "I43"},
		{name: "fingerprint of an answer", sql: `UPDATE idempotency_keys SET fingerprint = 'x'`, red: "I43"},
		{name: "pin_keys", sql: `DELETE FROM pin_keys WHERE event_id = 7`, red: "I37"},
		{name: "event_ids raised", sql: `UPDATE event_ids SET last_id = 12`, red: "I42"},
		{name: "event_ids deleted", sql: `DELETE FROM event_ids`, red: "I42"},
		{name: "deleted_events of an event that is there", sql: `INSERT INTO deleted_events (event_id, deleted_by) VALUES (8, 'test')`, red: "I42"},
		{name: "member of a voucher", sql: `UPDATE money.vouchers SET member_id = 'thief' WHERE voucher_id = 7000`, red: "I3"},
		{name: "amount of a voucher", sql: `UPDATE money.vouchers SET amount = 1000 WHERE voucher_id = 7000`, red: "I3"},
		{name: "reason of a voucher", sql: `UPDATE money.vouchers SET reason = 'x' WHERE voucher_id = 7000`, red: "I37"},
		{name: "key of a voucher", sql: `UPDATE money.vouchers SET idempotency_key = 'x' WHERE voucher_id = 7000`, red: "I3"},
		{name: "published_at taken away", sql: `UPDATE grant_chunks SET published_at = NULL WHERE event_id = 8`, red: "I11"},
		{
			name: "published_at, of what was not",
			sql: `UPDATE grant_chunks SET published_at = now() WHERE event_id = 3 AND first_id = 3012;
			DELETE FROM river.river_job WHERE args @> '{"event_id": 3, "first_id": 3012}'`, red: "I11",
		},
		{name: "published_at to come", sql: `UPDATE grant_chunks SET published_at = now() + interval '1 hour' WHERE event_id = 8`, red: "I40"},
		{name: "settled_at after the completion", sql: completedEarlier(8), red: "I40"},
		{name: "kafka_offset", sql: `UPDATE grant_chunks SET topic = 'grants.point', kafka_partition = 0, kafka_offset = -1 WHERE event_id = 8`, red: "I40"},
		{name: "open_until, for ever", sql: `UPDATE grant_chunks SET claim_token = gen_random_uuid(), open_until = now() + interval '100 years' WHERE event_id = 8`, red: "I40"},
		{
			name: "open_until instead of a job",
			sql: `UPDATE grant_chunks SET claim_token = gen_random_uuid(), claimed_at = now(), open_until = 'infinity'
			WHERE event_id = 3 AND first_id = 3012; DELETE FROM river.river_job WHERE args @> '{"event_id": 3, "first_id": 3012}'`, red: "I40",
		},
		{name: "jobs that wait for a start", sql: `UPDATE river.river_job SET state = 'pending' WHERE args @> '{"event_id": 3}'`, red: "I11"},
		{name: "jobs in a hundred years", sql: `UPDATE river.river_job SET state = 'scheduled', scheduled_at = now() + interval '100 years' WHERE args @> '{"event_id": 3}'`, red: "I11"},
		{name: "jobs of another queue", sql: `UPDATE river.river_job SET queue = 'nowhere' WHERE args @> '{"event_id": 3}'`, red: "I11"},
		{name: "the sequence of uploads", sql: `INSERT INTO uploads (owner, size, content_type, name, metadata, expires_at)
			VALUES ('crm', 1, 'text/csv', '', '', now()); SELECT setval('uploads_id_seq', 1, false)`, red: "I42"},
		{name: "the sequence of jobs", sql: `SELECT setval('river.river_job_id_seq', 1)`, red: "I42"},
		{name: "created_at of an event to come", sql: `UPDATE campaign_events SET created_at = now() + interval '1 year' WHERE id = 4`, red: "I39"},
		{
			name: "created_at of saves, a year ahead",
			sql: `UPDATE money.point_member SET created_at = created_at + interval '1 year',
				issue_date = to_char((created_at + interval '1 year') AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD') WHERE ref_unique_id = '8';
			UPDATE money.point_member_detail d SET created_at = m.created_at FROM money.point_member m
			WHERE m.point_member_id = d.point_member_id AND m.ref_unique_id = '8'`, red: "I36",
		},
		{
			name: "created_at of a save, infinite",
			sql: `UPDATE money.point_member SET created_at = 'infinity', issue_date = 'infinity' WHERE point_member_id = 8000;
			UPDATE money.point_member_detail SET created_at = 'infinity' WHERE point_member_id = 8000`, red: "I36",
		},
		{name: "created_at of saves after the completion", sql: completedEarlier(8), red: "I36"},
		{name: "created_at of a voucher, a year ahead", sql: `UPDATE money.vouchers SET created_at = created_at + interval '1 year' WHERE voucher_id = 7000`, red: "I37"},
		{name: "created_at of vouchers after the completion", sql: completedEarlier(2), red: "I37"},
		{name: "created_at of targets, to come", sql: `UPDATE point_targets SET created_at = '2099-01-01' WHERE event_id = 8`, red: "I40"},
		{name: "created_at of results, to come", sql: `UPDATE point_results SET created_at = '2099-01-01' WHERE event_id = 8`, red: "I40"},
		{name: "created_at of an import, to come", sql: `UPDATE imports SET created_at = '2099-01-01' WHERE id = 8`, red: "I39"},
		{name: "created_at of an answer, to come", sql: `UPDATE idempotency_keys SET created_at = 'infinity'`, red: "I39"},
		{name: "created_at of the key of vouchers, to come", sql: `UPDATE money.seal_keys SET created_at = '2099-01-01' WHERE ref = '7'`, red: "I37"},
		{name: "moment of the audit, to come", sql: `INSERT INTO audit_log (at, actor, action, object) VALUES ('2099-01-01', 'x', 'x', 'x')`, red: "I28"},
		{name: "stop invented", sql: auditRow(8, "event.create", 0) + stoppedAgo(8, 0) + auditRow(8, "event.resume", 9), red: "I39"},
		{name: "granter", sql: `UPDATE event_types SET granter = 'evil' WHERE code = 'VOUCHER'; INSERT INTO audit_log (actor, action, object, after)
			VALUES ('kim', 'type.edit', 'event type VOUCHER', '{"state": "READY", "granter": "money", "operation": "vouchers"}')`, red: "I35"},
		{name: "max_amount taken away", sql: `UPDATE imports SET max_amount = NULL WHERE id = 8`, red: "I24"},
		{name: "voucher of an event", sql: `UPDATE money.voucher_events SET voucher_id = 99999 WHERE voucher_id = 7000`, red: "I23"},
		{name: "member of a voucher's event", sql: `UPDATE money.voucher_events SET member_id = 'thief' WHERE voucher_id = 7000`, red: "I23"},
		{name: "created_at of a voucher's event, to come", sql: `UPDATE money.voucher_events SET created_at = now() + interval '1 day'`, red: "I23"},
		{name: "created_at of a voucher's event, before it was issued", sql: `UPDATE money.voucher_events SET created_at = now() - interval '9 years'`, red: "I23"},
		{name: "a second end of a voucher", sql: `INSERT INTO money.voucher_events (member_id, voucher_id, kind, idempotency_key) VALUES ('m00', 7000, 'REDEEMED', 'x')`, red: "I23"},
		{name: "kind of the end before a RESTORED", sql: `UPDATE money.voucher_events SET kind = 'RESTORED' WHERE kind = 'REDEEMED'`, red: "I23"},
		{name: "the sequence of voucher_events", sql: `SELECT setval('money.voucher_events_voucher_event_id_seq', 1, false)`, red: "I42"},
		{name: "began_at of the sweep", sql: `UPDATE money.point_sweep SET began_at = 'infinity'`, red: "I18"},
		{name: "swept_until of the sweep", sql: `UPDATE money.point_sweep SET swept_until = now() + interval '100 years'`, red: "I18"},
		{name: "a ledger that is still to be made", sql: `UPDATE money.ledger SET created_at = '2130-01-01'; UPDATE money.point_sweep SET began_at = '2130-01-01', swept_until = now()`, red: "I18"},
		{name: "a second ledger", sql: `UPDATE pg_index SET indisunique = false WHERE indrelid = 'money.ledger'::regclass; INSERT INTO money.ledger SELECT * FROM money.ledger; UPDATE pg_index SET indisunique = true WHERE indrelid = 'money.ledger'::regclass`, red: "I41"},
		{name: "the sweep deleted", sql: `DELETE FROM money.point_sweep`, red: "I18"},
		{name: "key of what expired again", sql: `UPDATE money.point_member SET idempotency_key = 'zz' WHERE point_member_id = 9306`, red: "I22"},
		{name: "undo of an expiry", sql: `UPDATE money.point_member SET undo_point_member_id = 9004 WHERE point_member_id = 9006`, red: "I22"},
		{name: "expired of a cancel", sql: `UPDATE money.point_cancel SET expired = 250, uncollected = 150 WHERE member_id = 'debtor'`, red: "I20"},
		{name: "policy of a cancel", sql: `UPDATE money.point_cancel SET policy = 'remaining' WHERE member_id = 'debtor'`, red: "I20"},
		{name: "cause of a voucher", sql: `UPDATE money.vouchers SET type_code = 'CS' WHERE voucher_id = 7000`, red: "I37"},
	}
}

// completedEarlier says that an event was completed an hour before it was granted.
func completedEarlier(id int64) string {
	return fmt.Sprintf(`UPDATE campaign_events SET updated_at = updated_at - interval '1 hour' WHERE id = %d;
		UPDATE campaign_event_summary SET completed_at = completed_at - interval '1 hour' WHERE event_id = %d`, id, id)
}

// unseenForgeries change what proves nothing; docs/verify.md says why, under the name of each.
func unseenForgeries() []forgery {
	return []forgery{
		{name: "event_types.unit", sql: `UPDATE event_types SET unit = 'x', max_count = 1 WHERE code = 'POINT'`},
		{name: "event_types.limits_seeded", sql: `UPDATE event_types SET limits_seeded = NOT limits_seeded WHERE code = 'POINT'`},
		{name: "reservation_missed", sql: `UPDATE campaign_events SET reservation_missed = true WHERE id = 4`},
		{name: "stopped_memo", sql: `UPDATE campaign_event_summary SET stopped_memo = 'x' WHERE event_id = 5`},
		{
			name: "created_at of targets",
			sql: `UPDATE point_targets SET created_at = now() - interval '9 years'; UPDATE campaign_events SET created_at = now() - interval '9 years';
			UPDATE campaign_event_summary SET created_at = now() - interval '9 years'; UPDATE parked_messages SET created_at = now() - interval '9 years';
			UPDATE campaign_events SET updated_at = now() - interval '9 years' WHERE id = 4`,
		},
		{name: "error_code, error_message", sql: `UPDATE point_results SET error_code = 'expired', error_message = 'forged' WHERE event_id = 1 AND status = 'PERMANENTLY_FAILED'`},
		{name: "retry_count", sql: `UPDATE point_results SET retry_count = 1 WHERE event_id = 8 AND member_id = 'm00';
			UPDATE campaign_event_summary SET retry_success_count = 1 WHERE event_id = 8`},
		{name: "redrive, redrive_done", sql: `UPDATE point_results SET redrive = 5, redrive_done = 5 WHERE event_id = 1 AND status = 'PERMANENTLY_FAILED' AND redrive = 0`},
		{
			name: "ids of movements",
			sql: `UPDATE money.point_member SET point_member_id = 8800 WHERE point_member_id = 8000;
			UPDATE money.point_member_detail SET point_member_detail_id = 8800, point_member_id = 8800, save_point_member_id = 8800 WHERE point_member_id = 8000;
			UPDATE point_results SET money_tx_id = 'P8800' WHERE event_id = 8 AND money_tx_id = 'P8000'`,
		},
		{name: "jobs of events that do not run", sql: `DELETE FROM river.river_job WHERE args @> '{"event_id": 5}';
			INSERT INTO river.river_queue (name, created_at, metadata, paused_at, updated_at) VALUES ('relay', now(), '{}', now(), now())`},
		{
			name: "what was added",
			sql: `CREATE TABLE extra (n int); CREATE VIEW more AS SELECT 1 AS n; CREATE FUNCTION other_digest(int) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea';
			CREATE DOMAIN amount AS int; CREATE SCHEMA other; CREATE TABLE other.kid (id bigint); GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC`,
		},
		{
			name: "id and installation of money.ledger",
			sql:  `UPDATE installation SET id = gen_random_uuid(); UPDATE money.ledger SET id = gen_random_uuid(); SELECT setval('money.point_member_id_seq', 1000000000)`,
		},
		{name: "processes", sql: `INSERT INTO processes (id, roles, version, host, pid) VALUES (gen_random_uuid(), '{api}', 'x', 'x', 1)`},
		{name: "brakes", sql: `INSERT INTO brakes (scope, by, memo) VALUES ('all', 'x', 'x')`},
		{name: "kind of a voucher_events row", sql: `UPDATE money.voucher_events SET kind = 'REDEEMED', idempotency_key = 'x', ref = 'x', reason = 'x' WHERE kind = 'CANCELLED'`},
		{name: "ended_uploads", sql: `INSERT INTO ended_uploads (event_id, ended_by) VALUES (4, 'x'); UPDATE principals SET role = 'viewer';
			INSERT INTO sessions (principal_id, sha256, address, network, expires_at) SELECT id, sha256('x'), '', '', now() FROM principals;
			INSERT INTO uploads (owner, size, content_type, name, metadata, expires_at) VALUES ('x', 9, '', '', '', now());
			INSERT INTO upload_pieces (upload_id, at, bytes) VALUES (1, 5, 'x')`},
	}
}

// A forgery of what proves nothing changes no report, and the auditor's page names it.
func TestUnseenForgeries(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/verify.md")
	require.NoError(t, err)
	_, page2, _ := strings.Cut(string(page), "## What proves nothing")
	for _, f := range unseenForgeries() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, page2, f.name)
			pool := plant(t)
			_, err := pool.Exec(t.Context(), forging(f.sql))
			require.NoError(t, err)
			report, _ := verify(t, pool, Query{})
			require.True(t, report.OK)
		})
	}
}

// At least 60 of 66 forgeries are seen, as many in proportion where there are more.
func TestShareOfForgeriesSeen(t *testing.T) {
	t.Parallel()
	seen := slices.Concat(rowForgeries(), columnForgeries(), contentForgeries())
	all := len(seen) + len(unseenForgeries())
	require.GreaterOrEqual(t, all, 66)
	require.GreaterOrEqual(t, len(seen)*66, 60*all)
	t.Logf("%d of %d", len(seen), all)
}
