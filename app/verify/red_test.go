package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planting is a fault in the world, and the invariants that it must turn red: those, and no others.
type planting struct {
	name    string
	event   int64  // whose fault it is; 0: of no event
	sql     string // separated by semicolons
	red     []string
	example string // a part of the first one's first example
}

// One planted row turns its invariant red, by name, in the report of all events and in that of its own event; those of
// other events stay green.
func TestVerifyRed(t *testing.T) {
	t.Parallel()
	for _, p := range slices.Concat(plantedResults(), plantedLedger(), plantedMovements(), plantedCounters(), plantedChunks()) {
		t.Run(p.red[0]+" "+p.name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), forging(p.sql))
			require.NoError(t, err)
			report, red := verify(t, pool, Query{})
			require.Equal(t, p.red, red, "%+v", report)
			first := report.Invariants[slices.IndexFunc(report.Invariants, func(i Invariant) bool { return i.ID == p.red[0] })]
			require.Contains(t, strings.Join(first.Examples, "\n"), p.example)
			require.Contains(t, report.Conclusion(), "do not hold: "+strings.Join(p.red, ", "))
			if p.event == 0 {
				return
			}
			_, red = verify(t, pool, Query{Event: fmt.Sprint(p.event)})
			require.Equal(t, p.red, red, "report of its own event")
			for _, other := range []int64{1, 5, 7} {
				if other != p.event {
					_, red := verify(t, pool, Query{Event: fmt.Sprint(other)})
					red = slices.DeleteFunc(red, func(id string) bool { return id == "I41" }) // the schema is every event's
					require.Empty(t, red, "report of event %d", other)
				}
			}
		})
	}
}

// The members that the plantings pick: m00 of event 8 is granted, as are the first two of events 3 and 5.
func plantedResults() []planting {
	return []planting{
		{
			name: "a result without a target", event: 3, red: []string{"I1"}, example: "event 3, member stranger: a result without a target",
			sql: `INSERT INTO point_results (event_id, member_id, amount) VALUES (3, 'stranger', 100)`,
		}, {
			name: "a result of an unknown event", red: []string{"I1"}, example: "event 77, member m00",
			sql: `INSERT INTO point_results (event_id, member_id, amount) VALUES (77, 'm00', 100)`,
		}, {
			name: "another amount", event: 3, red: []string{"I1"}, example: "event 3, member m05: the result says 106, the target 105",
			sql: `UPDATE point_results SET amount = amount + 1 WHERE event_id = 3 AND member_id = 'm05'`,
		}, {
			name: "of a voucher", event: 7, red: []string{"I1"}, example: "event 7, member stranger",
			sql: `INSERT INTO voucher_results (event_id, member_id, amount, status) VALUES (7, 'stranger', 100, 'PENDING')`,
		}, {
			name: "a chunk that was published, a target of it that was not", event: 3, red: []string{"I4", "I11"}, example: "event 3, member m00: the result is SUCCESS",
			sql: `UPDATE point_targets SET publish_status = 'PENDING' WHERE event_id = 3 AND member_id = 'm00';
				UPDATE campaign_event_summary SET published_count = published_count - 1 WHERE event_id = 3`,
		}, {
			name: "a result before any claim", event: 4, red: []string{"I4"}, example: "event 4, member m00: the result is PENDING",
			sql: `INSERT INTO point_results (event_id, member_id, amount) VALUES (4, 'm00', 100)`,
		}, {
			name: "completed, and a chunk without its mark", event: 8, red: []string{"I4", "I9"}, example: "event 8, member m00",
			sql: `UPDATE point_targets SET publish_status = 'PENDING' WHERE event_id = 8 AND id <= 8003;
				UPDATE grant_chunks SET published_at = NULL WHERE event_id = 8 AND first_id = 8000;
				UPDATE campaign_event_summary SET published_count = published_count - 4 WHERE event_id = 8`,
		}, {
			name: "completed, and somebody has no result", event: 8, red: []string{"I5", "I9", "I40"}, example: "the result of member m00 is missing",
			sql: deleteSave("8000") + `;
				DELETE FROM point_results WHERE event_id = 8 AND member_id = 'm00';
				UPDATE grant_chunks SET settled_count = settled_count - 1 WHERE event_id = 8 AND first_id = 8000;
				UPDATE campaign_event_summary SET success_count = success_count - 1 WHERE event_id = 8`,
		}, {
			name: "completed, and somebody is refused for now", event: 2, red: []string{"I5", "I6", "I11"}, example: "is FAILED",
			sql: `UPDATE voucher_results SET status = 'FAILED' WHERE event_id = 2 AND member_id = (
				SELECT member_id FROM voucher_results WHERE event_id = 2 AND status = 'PERMANENTLY_FAILED' ORDER BY 1 LIMIT 1)`,
		}, {
			name: "another rule's value", event: 8, red: []string{"I8", "I24"}, example: "of 2, the rule says",
			sql: `UPDATE campaign_events SET partition_count = 2 WHERE id = 8`,
		}, {
			name: "a partition that the event does not have", event: 4, red: []string{"I8", "I11", "I24"}, example: "event 4, member m00: partition_key is 1 of 1",
			sql: `UPDATE point_targets SET partition_key = 1 WHERE event_id = 4 AND member_id = 'm00'`,
		},
	}
}

// deleteSave takes a save out of the ledger, with its detail.
func deleteSave(id string) string {
	return `DELETE FROM money.point_member WHERE point_member_id = ` + id + `; DELETE FROM money.point_member_detail WHERE save_point_member_id = ` + id
}

// insertSave writes a save of 100 for a campaign, with its detail.
func insertSave(id int, member, ref, key string) string {
	return fmt.Sprintf(`INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_date, ref_unique_id, idempotency_key)
			VALUES (%[1]d, '%[2]s', 100, 'S', 'CM', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231', '%[3]s', '%[4]s');
		INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code) VALUES (%[1]d, %[1]d, %[1]d, '%[2]s', 100, 100, 'S')`,
		id, member, ref, key)
}

// insertVoucher writes a voucher of 100 for a campaign.
func insertVoucher(id int, member, ref, key, code string) string {
	return fmt.Sprintf(`INSERT INTO money.vouchers (voucher_id, member_id, amount, type_code, ref, sealed_code, sealed_pin, code_hmac, idempotency_key)
		VALUES (%d, '%s', 100, 'CM', '%s', 'x', 'x', '%s', '%s')`, id, member, ref, code, key)
}

// shopVoucher writes a voucher that a shop asked for, sealed under the key of event 7.
func shopVoucher(id int64, key string) string {
	m := plantedMember{id: id, member: "spender", amount: 100}
	sealed := plantedSeals("7", key, m)
	return fmt.Sprintf(`INSERT INTO money.vouchers (voucher_id, member_id, amount, type_code, ref, sealed_code, sealed_pin, code_hmac, idempotency_key)
		VALUES (%d, '%s', %d, 'EVT', '7', '\x%x', '\x%x', '\x%x', '%s')`, m.id, m.member, m.amount, sealed.code, sealed.pin, sealed.hmac, key)
}

const movement = `INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_date, idempotency_key) VALUES `

const detail = `INSERT INTO money.point_draw (point_member_id, save_point_member_id, member_id, point, point_status_code) VALUES `

const lotOf = `INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code) VALUES `

// undoing is movement for one that undoes another.
const undoing = `INSERT INTO money.point_member (point_member_id, member_id, point, point_status_code, point_type_code, issue_date, expiry_date, idempotency_key, undo_point_member_id) VALUES `

func plantedLedger() []planting {
	return []planting{
		{
			name: "a key in two movements", event: 8, red: []string{"I2", "I36", "I41"}, example: "key grant:8:m00 stands 2 times",
			sql: `ALTER TABLE money.point_member DROP CONSTRAINT point_member_idempotency_key;
				` + movement + `(9100, 'other', 5, 'S', 'CS', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231', 'grant:8:m00'); ` + lotOf + `(9100, 9100, 9100, 'other', 5, 5, 'S')`,
		}, {
			name: "a key of points and of a voucher", event: 8, red: []string{"I2", "I37"}, example: "key grant:8:m01 stands 2 times",
			sql: strings.Replace(insertVoucher(9100, "other", "x", "grant:8:m01", "h"), "'CM'", "'CS'", 1),
		}, {
			name: "granted, and not in the ledger", event: 8, red: []string{"I3"}, example: "event 8, member m00: SUCCESS with P8000, but the ledger has no save",
			sql: deleteSave("8000"),
		}, {
			name: "granted while running, and not in the ledger", event: 3, red: []string{"I3"}, example: "event 3, member m00: SUCCESS",
			sql: deleteSave("3000"),
		}, {
			name: "given up, and in the ledger", event: 3, red: []string{"I3", "I24", "I38"}, example: "event 3, member m03: the ledger granted 100 (P9100), but the result is PERMANENTLY_FAILED",
			sql: insertSave(9100, "m03", "3", "grant:3:m03") + `; UPDATE point_results SET amount = 100 WHERE event_id = 3 AND member_id = 'm03';
				UPDATE point_targets SET amount = 100 WHERE event_id = 3 AND member_id = 'm03'; UPDATE campaign_events SET total_amount = total_amount - 3 WHERE id = 3`,
		}, {
			name: "in the ledger, and never started", event: 4, red: []string{"I3", "I36"}, example: "event 4, member m00: the ledger granted 100 (P9100), but the result is missing",
			sql: insertSave(9100, "m00", "4", "grant:4:m00"),
		}, {
			name: "in the ledger, and never claimed", event: 5, red: []string{"I3"}, example: "event 5, member m08",
			sql: insertSave(9100, "m08", "5", "grant:5:m08"),
		}, {
			name: "no target", event: 3, red: []string{"I3"}, example: "event 3, member stranger: the ledger granted 100",
			sql: insertSave(9100, "stranger", "3", "grant:3:stranger"),
		}, {
			name: "granted twice under two keys", event: 8, red: []string{"I3", "I36"}, example: "event 8, member m00: SUCCESS of 100 with P8000, but the ledger says 100 with P9100 under key again",
			sql: insertSave(9100, "m00", "8", "again"),
		}, {
			name: "another amount in the ledger", event: 8, red: []string{"I3"}, example: "SUCCESS of 100 with P8000, but the ledger says 99",
			sql: `UPDATE money.point_member SET point = 99 WHERE point_member_id = 8000; UPDATE money.point_lot SET point = 99, remaining = 99 WHERE point_member_id = 8000`,
		}, {
			name: "another transaction", event: 8, red: []string{"I3"}, example: "event 8, member m00",
			sql: `UPDATE point_results SET money_tx_id = 'P8001' WHERE event_id = 8 AND member_id = 'm00'`,
		}, {
			name: "no transaction", event: 8, red: []string{"I3"}, example: "event 8, member m00: SUCCESS of 100 with no transaction",
			sql: `UPDATE point_results SET money_tx_id = NULL WHERE event_id = 8 AND member_id = 'm00'`,
		}, {
			name: "another key", event: 8, red: []string{"I3"}, example: "under key grant:8:m99",
			sql: `UPDATE money.point_member SET idempotency_key = 'grant:8:m99' WHERE point_member_id = 8000`,
		}, {
			name: "another member", event: 8, red: []string{"I3"}, example: "event 8, member m00: SUCCESS with P8000, but the ledger has no save",
			sql: `UPDATE money.point_member SET member_id = 'thief' WHERE point_member_id = 8000; UPDATE money.point_member_detail SET member_id = 'thief' WHERE point_member_id = 8000`,
		}, {
			name: "no event", red: []string{"I3", "I36"}, example: "member m00: the ledger granted 100 (P9100) for spring, which is no event",
			sql: insertSave(9100, "m00", "spring", "grant:99:m00"),
		}, {
			name: "points for vouchers", event: 2, red: []string{"I3", "I36"}, example: "event 2, member m00: the ledger granted 100 (P9100)",
			sql: insertSave(9100, "m00", "2", "k9100"),
		}, {
			name: "a voucher that nobody knows of", event: 7, red: []string{"I3", "I37"}, example: "event 7, member m09",
			sql: insertVoucher(9100, "m09", "7", "grant:7:m09", "h"),
		}, {
			name: "a redrive that was answered", event: 1, red: []string{"I3"}, example: "but the result is PERMANENTLY_FAILED",
			sql: `UPDATE point_results SET redrive_done = 1 WHERE event_id = 1 AND redrive = 1`,
		}, {
			name: "given up as a mismatch, and granted under other keys", event: 3, red: []string{"I3"}, example: "event 3, member m03: the ledger granted 100 (P9100)",
			sql: mismatched("point", 3, "m03") + insertSave(9100, "m03", "3", "grant:3:x1") + `; ` + insertSave(9101, "m03", "3", "grant:3:x2"),
		}, {
			name: "a mismatch that was granted again", event: 6, red: []string{"I3"}, example: "event 6, member m02: the ledger granted",
			sql: insertSave(9100, "m02", "6", "grant:6:x1"),
		}, {
			name: "a mismatch of another amount", event: 6, red: []string{"I3"}, example: "event 6, member m02: the ledger granted 1000000 (P6002), but the result is FAILED",
			sql: `UPDATE money.point_member SET point = 1000000 WHERE point_member_id = 6002; ` + lotSays(6002, 1000000),
		}, {
			name: "a mismatch of a voucher of another amount", event: 7, red: []string{"I3"}, example: "event 7, member m03: the ledger granted 10300 (V7003)",
			sql: `INSERT INTO voucher_results (event_id, member_id, amount, status, retry_count, error_code) VALUES (7, 'm03', 103, 'FAILED', 1, 'mismatch');
				UPDATE money.vouchers SET amount = 10300 WHERE voucher_id = 7003`,
		}, {
			name: "more drawn than saved", red: []string{"I12", "I16"}, example: "member spender: lot P9002 was saved with 2000, -100 is left",
			sql: movement + `(9100, 'spender', -1300, 'U', 'PAY', '20260101', '99991231', 'k9100'); ` + detail + `(9100, 9002, 'spender', -1300, 'U')`,
		}, {
			name: "more given back than saved", red: []string{"I12", "I16", "I19"}, example: "lot P9001 was saved with 1000, 1001 is left",
			sql: undoing + `(9100, 'spender', 1001, 'R', 'PAY', '20260101', '99991231', 'k9100', 9003); ` + detail + `(9100, 9001, 'spender', 1001, 'R')`,
		}, {
			name: "of a campaign", event: 8, red: []string{"I12", "I16"}, example: "member m00: lot P8000 was saved with 100, -1 is left",
			sql: movement + `(9100, 'm00', -101, 'U', 'PAY', '20260101', '99991231', 'k9100'); ` + detail + `(9100, 8000, 'm00', -101, 'U')`,
		}, {
			name: "drawn from nowhere", red: []string{"I12"}, example: "against lot P9777, which was never saved",
			sql: movement + `(9100, 'spender', -5, 'U', 'PAY', '20260101', '99991231', 'k9100'); ` + detail + `(9100, 9777, 'spender', -5, 'U')`,
		}, {
			name: "a lot of less than nothing", red: []string{"I12"}, example: "movements of -5 against lot P9100, which was never saved",
			sql: movement + `(9100, 'spender', -5, 'U', 'PAY', '20260101', '99991231', 'k9100'); ` + detail + `(9100, 9100, 'spender', -5, 'U')`,
		}, {
			name: "a use that drew from no lot", red: []string{"I13", "I17"}, example: "member spender: the history says -50 more",
			sql: movement + `(9100, 'spender', -50, 'U', 'PAY', '20260101', '99991231', 'k9100')`,
		}, {
			name: "a lot that no movement saved", red: []string{"I13", "I21"}, example: "member ghost: the history says -50 more",
			sql: lotOf + `(9100, 9100, 9100, 'ghost', 50, 50, 'S')`,
		}, {
			name: "a code in two results", event: 2, red: []string{"I14", "I37"}, example: "2 results share one code: events 2,",
			sql: `UPDATE voucher_results SET voucher_code = 'code-2000' WHERE event_id = 2 AND voucher_code = 'code-2001'`,
		}, {
			name: "granted without a code", event: 7, red: []string{"I14", "I37"}, example: "event 7, member m00: granted without a code",
			sql: `UPDATE voucher_results SET voucher_code = NULL WHERE event_id = 7 AND member_id = 'm00'`,
		}, {
			name: "a code of two vouchers", event: 7, red: []string{"I14", "I37", "I41"}, example: "2 vouchers share one code: V7000, V7001",
			sql: `ALTER TABLE money.vouchers DROP CONSTRAINT vouchers_code_key; UPDATE money.vouchers SET code_hmac = 'x' WHERE voucher_id IN (7000, 7001)`,
		}, {
			name: "two vouchers for a grant", event: 7, red: []string{"I3", "I14", "I37"}, example: "event 7, member m00",
			sql: insertVoucher(9100, "m00", "7", "again", "h"),
		},
	}
}

// mismatched gives a result up as one that the ledger contradicts itself about.
func mismatched(kind string, event int64, member string) string {
	return fmt.Sprintf(`UPDATE %s_results SET error_code = 'mismatch' WHERE event_id = %d AND member_id = '%s'; `, kind, event, member)
}

// lotSays changes the points of a save's lot.
func lotSays(save, points int64) string {
	return fmt.Sprintf(`UPDATE money.point_lot SET point = %[1]d, remaining = %[1]d WHERE point_member_id = %[2]d`, points, save)
}

func plantedCounters() []planting {
	return []planting{
		{
			name: "published", event: 3, red: []string{"I6"}, example: "event 3: published_count is 13, the rows say 12",
			sql: `UPDATE campaign_event_summary SET published_count = published_count + 1 WHERE event_id = 3`,
		}, {
			name: "success", event: 3, red: []string{"I6"}, example: "event 3: success_count is 8, the rows say 9",
			sql: `UPDATE campaign_event_summary SET success_count = success_count - 1 WHERE event_id = 3`,
		}, {
			name: "given up", event: 5, red: []string{"I6"}, example: "event 5: fail_count is 2, the rows say 0",
			sql: `UPDATE campaign_event_summary SET fail_count = 2 WHERE event_id = 5`,
		}, {
			name: "success after a refusal", event: 7, red: []string{"I6"}, example: "event 7: retry_success_count is 0, the rows say 1",
			sql: `UPDATE campaign_event_summary SET retry_success_count = 0 WHERE event_id = 7`,
		}, {
			name: "no summary at all", event: 4, red: []string{"I6", "I9"}, example: "published_count is missing, the rows say 0",
			sql: `DELETE FROM campaign_event_summary WHERE event_id = 4`,
		}, {
			name: "the count", event: 3, red: []string{"I7", "I38"}, example: "event 3: the totals are 25 with",
			sql: `UPDATE campaign_events SET total_count = total_count + 1 WHERE id = 3`,
		}, {
			name: "the sum", event: 7, red: []string{"I7", "I38"}, example: "event 7: the totals are 12 with",
			sql: `UPDATE campaign_events SET total_amount = total_amount - 1 WHERE id = 7`,
		}, {
			name: "targets of another type", event: 5, red: []string{"I7", "I11"}, example: "event 5: 1 targets lie with type VOUCHER",
			sql: `INSERT INTO voucher_targets (event_id, member_id, amount, partition_key) VALUES (5, 'm00', 100, 0)`,
		}, {
			name: "completed at no time", event: 8, red: []string{"I9"}, example: "event 8 is COMPLETED, but its completed_at is not set",
			sql: `UPDATE campaign_event_summary SET completed_at = NULL WHERE event_id = 8`,
		}, {
			name: "a time, and not completed", event: 3, red: []string{"I9"}, example: "event 3 is RUNNING, but its completed_at is",
			sql: `UPDATE campaign_event_summary SET completed_at = now() WHERE event_id = 3`,
		}, {
			name: "completed, and it does not add up", event: 8, red: []string{"I6", "I9"}, example: "event 8: success_count is 7",
			sql: `UPDATE campaign_event_summary SET success_count = success_count + 1 WHERE event_id = 8`,
		}, {
			name: "two events of a lane run", event: 4, red: []string{"I10", "I11", "I24", "I39", "I41"}, example: "events 3, 4, reserved for the same second",
			sql: `DROP INDEX campaign_events_lane_running; UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = 4`,
		}, {
			name: "a discarded job", event: 3, red: []string{"I15"}, example: "of kind relay, event 3",
			sql: `INSERT INTO river.river_job (state, kind, args, max_attempts, queue, finalized_at) VALUES ('discarded', 'relay', '{"event_id": 3}', 25, 'relay', now())`,
		}, {
			name: "a discarded job of the timetable", red: []string{"I15"}, example: "of kind close_done, event none",
			sql: `INSERT INTO river.river_job (state, kind, args, max_attempts, queue, finalized_at) VALUES ('discarded', 'close_done', '{}', 25, 'jobs', now())`,
		},
	}
}

func plantedChunks() []planting {
	return []planting{
		{
			name: "settled_count", event: 3, red: []string{"I11", "I40"}, example: "chunk 3/0/3000-3003: settled_count is 3, there are 4 final results",
			sql: `UPDATE grant_chunks SET settled_count = 3 WHERE event_id = 3 AND first_id = 3000`,
		}, {
			name: "settled_count of a completed event", event: 8, red: []string{"I11", "I40"}, example: "chunk 8/0/8004-8005: settled_count is 0, there are 2",
			sql: `UPDATE grant_chunks SET settled_count = 0 WHERE event_id = 8 AND first_id = 8004`,
		}, {
			name: "a chunk is gone", event: 4, red: []string{"I11", "I24", "I38"}, example: "chunk 4/0: 4 targets are in no chunk",
			sql: `DELETE FROM grant_chunks WHERE event_id = 4 AND first_id = 4000`,
		}, {
			name: "the last chunk is gone", event: 4, red: []string{"I11", "I24", "I38"}, example: "chunk 4/0/4000-4003: targets up to 4005 follow it in no chunk",
			sql: `DELETE FROM grant_chunks WHERE event_id = 4 AND first_id = 4004`,
		}, {
			name: "all chunks are gone", event: 4, red: []string{"I11", "I24", "I38"}, example: "chunk 4/0: 6 targets are in no chunk",
			sql: `DELETE FROM grant_chunks WHERE event_id = 4`,
		}, {
			name: "a chunk of nobody", event: 4, red: []string{"I11", "I24", "I38"}, example: "chunk 4/0/5000-5003: target_count is 4, there are 0 targets",
			sql: `INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, import_id) VALUES (4, 0, 5000, 5003, 4, 4)`,
		}, {
			name: "two chunks overlap", event: 4, red: []string{"I11", "I24"}, example: "chunk 4/0/4000-4004: overlaps the next chunk",
			sql: `UPDATE grant_chunks SET last_id = 4004 WHERE event_id = 4 AND first_id = 4000`,
		}, {
			name: "a chunk within another", event: 5, red: []string{"I11", "I24", "I38"}, example: "chunk 5/0/5008-5011: overlaps the next chunk",
			sql: `INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, import_id) VALUES (5, 0, 5010, 5011, 2, 5)`,
		}, {
			name: "target_count", event: 5, red: []string{"I11", "I24", "I38"}, example: "chunk 5/0/5008-5011: target_count is 5, there are 4 targets",
			sql: `UPDATE grant_chunks SET target_count = 5 WHERE event_id = 5 AND first_id = 5008`,
		}, {
			name: "nothing will work it", event: 3, red: []string{"I11"}, example: "chunk 3/0/3012-3015: nothing will work it",
			sql: `DELETE FROM river.river_job WHERE args @> '{"event_id": 3, "first_id": 3012}'`,
		}, {
			name: "its job is done, and it was not published", event: 3, red: []string{"I11"}, example: "chunk 3/0/3016-3019: nothing will work it",
			sql: `UPDATE river.river_job SET state = 'completed', finalized_at = now() WHERE args @> '{"event_id": 3, "first_id": 3016}'`,
		}, {
			name: "its claim has run out", event: 3, red: []string{"I11"}, example: "chunk 3/0/3012-3015: nothing will work it",
			sql: `DELETE FROM river.river_job WHERE args @> '{"event_id": 3, "first_id": 3012}';
				UPDATE grant_chunks SET claim_token = gen_random_uuid(), claimed_at = now(), open_until = now() - interval '1s' WHERE event_id = 3 AND first_id = 3012`,
		}, {
			name: "a job of another event's chunk", event: 7, red: []string{"I11"}, example: "chunk 7/0/7008-7011: nothing will work it",
			sql: `UPDATE river.river_job SET args = args || '{"event_id": 4}' WHERE args @> '{"event_id": 7}'`,
		},
	}
}

// What looks like a fault and is none: each holds while events run.
func TestVerifyAllows(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"an open claim instead of a job": `DELETE FROM river.river_job WHERE args @> '{"event_id": 3, "first_id": 3012}';
			UPDATE grant_chunks SET claim_token = gen_random_uuid(), claimed_at = now(), open_until = now() + interval '15s' WHERE event_id = 3 AND first_id = 3012`,
		"a job of several chunks": `DELETE FROM river.river_job WHERE args @> '{"event_id": 3, "first_id": 3016}';
			UPDATE river.river_job SET args = args || '{"last_id": 3019}', state = 'running' WHERE args @> '{"event_id": 3, "first_id": 3012}'`,
		"a job that waits for its turn": `UPDATE river.river_job SET state = 'retryable' WHERE args @> '{"event_id": 3}'`,
		"no job while stopped":          `DELETE FROM river.river_job WHERE args @> '{"event_id": 5}'`,
		"codes alike of two ledgers": `INSERT INTO event_types (code, label, operation, topic, granter) VALUES ('CARD', 'Cards', 'vouchers', 'card', 'acme');
			SELECT create_event_type_tables('CARD', 'vouchers'); UPDATE event_types SET state = 'READY' WHERE code = 'CARD';
			INSERT INTO campaign_events (id, campaign_id, event_type, event_status, total_count, total_amount, partition_count, created_by) VALUES (20, 'card', 'CARD', 'COMPLETED', 1, 100, 1, 'test');
			INSERT INTO campaign_event_summary (event_id, published_count, success_count, started_at, completed_at) VALUES (20, 1, 1, now(), now());
			INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount) VALUES (20, 20, 'test', 'text/csv', 'x', 1, 1, 0, 100);
			INSERT INTO card_targets (id, event_id, member_id, amount, partition_key, publish_status) VALUES (1, 20, 'm00', 100, 0, 'PUBLISHED');
			INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at, settled_at) VALUES (20, 0, 1, 1, 1, 1, 20, now(), now(), now());
			INSERT INTO deleted_events (event_id, campaign_id, total_count, total_amount, deleted_by) SELECT n, 'gone-' || n, 0, 0, 'test' FROM generate_series(11, 19) n;
			UPDATE event_ids SET last_id = 20;
			SELECT setval('campaign_events_id_seq', 20), setval('imports_id_seq', 20), setval('card_targets_id_seq', 1);
			INSERT INTO card_results (event_id, member_id, amount, status, money_tx_id, voucher_code, voucher_pin) VALUES (20, 'm00', 100, 'SUCCESS', 'A-1', 'code-2000', '` + sealPIN(20, "m00", "1") + `')`,
		"points and a voucher of a shop under one key": shopVoucher(9100, "k1"),
		"points of a shop with a campaign's cause":     insertSave(9100, "m00", "order-77", "k9100"),
		"points of another installation's campaign":    insertSave(9100, "m00", "8", "11111111-2222-3333-4444-555555555555:grant:8:m00"),
		"a mismatch that was given up": `UPDATE point_results SET status = 'PERMANENTLY_FAILED' WHERE event_id = 6 AND error_code = 'mismatch';
			UPDATE campaign_event_summary SET fail_count = 1 WHERE event_id = 6; UPDATE grant_chunks SET settled_count = 4, settled_at = now() WHERE event_id = 6 AND first_id = 6000`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			_, err := pool.Exec(t.Context(), sql)
			require.NoError(t, err)
			if strings.Contains(sql, "card_results") {
				_, err = pool.Exec(t.Context(), `INSERT INTO pin_keys (event_id, wrapped) VALUES (20, $1)`, plantedMaster.Wrap(plantedKey, pinKeyAAD(20)))
				require.NoError(t, err)
			}
			report, red := verify(t, pool, Query{})
			require.Empty(t, red, "%+v", report)
		})
	}
}
