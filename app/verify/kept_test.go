package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"bestow/app/command"
	"bestow/app/imports"
	"bestow/domain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// answered stores the answers that the events' last requests got, as their transactions would have, and makes a report
// on each event.
func answered(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		events, err := readEvents(t.Context(), tx, nil)
		if err != nil {
			return err
		}
		// which was deleted
		events = append(events, domain.Event{ID: 9, CampaignID: "campaign-9", Status: domain.Pending})
		for _, e := range events {
			by := command.Caller{
				Actor: "test",
				Once:  &command.Once{Key: "answer-" + e.CampaignID, Fingerprint: []byte{1}},
			}
			if _, err := command.In(t.Context(), tx, by, func() (domain.Event, error) { return e, nil }); err != nil {
				return err
			}
		}
		for _, e := range plantedWorld() {
			answers, err := importsOf(t.Context(), tx, e.id)
			if err != nil {
				return err
			}
			for _, said := range answers {
				by := command.Caller{
					Actor: "test",
					Once:  &command.Once{Key: fmt.Sprintf("import-%d", said.ImportID), Fingerprint: []byte{1}},
				}
				if _, err := command.In(t.Context(), tx, by, func() (imports.Result, error) {
					return said,
						nil
				}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	reports := plantedVerifier(pool)
	for _, e := range plantedWorld() {
		require.NoError(t, reports.MakeReport(t.Context(), e.id, "test"))
	}
}

// pending sets an event back to PENDING without a trace in its own rows.
const pending = `UPDATE campaign_events SET event_status = 'PENDING', failure_code = NULL WHERE id = 5;
	UPDATE campaign_event_summary SET started_at = NULL, stopped_at = NULL, stopped_memo = NULL WHERE event_id = 5; DELETE FROM starts WHERE event_id = 5`

// wiped takes an event out of every table, with a record of a deletion.
const wiped = `DELETE FROM money.point_member_detail d USING money.point_member p WHERE p.point_member_id = d.save_point_member_id AND p.ref_unique_id = '8';
	DELETE FROM money.point_member WHERE ref_unique_id = '8'; DELETE FROM point_results WHERE event_id = 8; DELETE FROM point_targets WHERE event_id = 8;
	DELETE FROM grant_chunks WHERE event_id = 8; DELETE FROM starts WHERE event_id = 8; DELETE FROM imports WHERE event_id = 8;
	DELETE FROM event_keys WHERE event_id = 8; DELETE FROM verify_reports WHERE event_id = 8; DELETE FROM campaign_event_summary WHERE event_id = 8;
	DELETE FROM campaign_events WHERE id = 8; INSERT INTO deleted_events (event_id, campaign_id, total_count, total_amount, deleted_by) VALUES (8, 'campaign-8', 6, 615, 'test')`

// erasedList takes the list of an event that has not started out of every table.
const erasedList = `DELETE FROM point_targets WHERE event_id = 4; DELETE FROM grant_chunks WHERE event_id = 4; DELETE FROM imports WHERE event_id = 4;
	DELETE FROM event_keys WHERE event_id = 4; DELETE FROM river.river_job WHERE args->>'event_id' = '4';
	UPDATE campaign_events SET total_count = 0, total_amount = 0 WHERE id = 4`

// robbed takes a grant back from a member, in the ledger and in the result, with every counter.
const robbed = `DELETE FROM money.point_member_detail WHERE save_point_member_id = 8000; DELETE FROM money.point_member WHERE point_member_id = 8000;
	UPDATE point_results SET status = 'PERMANENTLY_FAILED', money_tx_id = NULL, retry_count = 1, error_code = 'account_closed' WHERE event_id = 8 AND member_id = 'm00'`

// What answers and reports once said stands against what was made to fit everywhere else.
func TestForgedAgainstWhatWasSaid(t *testing.T) {
	t.Parallel()
	for _, f := range []forgery{
		{name: "nothing", sql: `SELECT 1`},
		{name: "N8 stopped, shown as failed", sql: `UPDATE campaign_events SET event_status = 'FAILED', failure_code = 'mismatch' WHERE id = 5`, red: "a person stopped it at that moment, and it is FAILED"},
		{name: "N8 completed, shown as running", sql: notCompleted(8, domain.Running), red: "says that it was completed, and it is RUNNING"},
		{name: "F2 a member robbed", sql: robbed + recounted("point", 8), red: "event 8: report 8 counted 6 granted, there are 5"},
		{name: "F3 an event erased, with a record of its deletion", sql: wiped, red: "says that it was started, and it is gone"},
		{
			name: "F3 the newest events erased, with the counter",
			sql:  `DELETE FROM deleted_events; UPDATE event_ids SET last_id = 8`,
			red: "event 9: the answer that test got under key answer-campaign-9 says that it was made, " +
				"and it is gone without a record",
		},
		{name: "F4 set back to PENDING", sql: pending, red: "event 5: the answer that test got under key answer-campaign-5 says that it was started, and it is PENDING"},
		{name: "a start at another moment", sql: startMoved, red: "says that it was started at another moment"},
		{name: "other terms", sql: redefined(8, `campaign_id = 'forged'`, "campaign-8", "forged"), red: "says that it was started under other terms"},
		{name: "another list", sql: erased("point", 8, "first_id = 8004"), red: "says that it was started with 6 targets and a sum of 615"},
		{name: "N7 a list erased before its event started", sql: erasedList, red: "under key import-4 tells of import 4 of event 4, which is gone or another one"},
		{name: "N7 an upload of fewer rows", sql: `UPDATE imports SET accepted = accepted - 1 WHERE event_id = 4`, red: "tells of import 4 of event 4"},
		{name: "N7 an upload into another event", sql: `UPDATE imports SET event_id = 5 WHERE event_id = 4`, red: "tells of import 4 of event 4"},
		{name: "an answer that cannot be read", sql: `UPDATE idempotency_keys SET answer = answer || '{"Status": 7}' WHERE answer->>'ID' = '8'`, red: "cannot be read"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pool := plant(t)
			answered(t, pool)
			_, err := pool.Exec(t.Context(), forging(f.sql))
			require.NoError(t, err)
			said := keptFindings(t.Context(), t, pool)
			if f.red == "" {
				require.Empty(t, said)
				return
			}
			body, err := json.Marshal(said)
			require.NoError(t, err)
			require.Contains(t, string(body), f.red)
			_, red := verify(t, pool, Query{})
			require.Contains(t, red, "I43")
		})
	}
}

// keptFindings are the differences of I43.
func keptFindings(ctx context.Context, t *testing.T, pool *pgxpool.Pool) (said []string) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		f := finding{measures: measures{}}
		err := compareKept(ctx, tx, &verification{}, &f)
		said = f.examples
		return err
	}))
	return said
}

// What changes by right is no difference: a redrive that was granted, a later stop, an edit before the start, a
// deletion.
func TestWhatWasSaidMayChange(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	answered(t, pool)
	_, err := pool.Exec(t.Context(),
		`UPDATE campaign_event_summary SET success_count = success_count + 1, fail_count = fail_count - 1 WHERE event_id = 1;
		UPDATE campaign_event_summary SET stopped_at = now(), stopped_memo = 'later' WHERE event_id = 5;
		UPDATE campaign_events SET campaign_id = 'edited', total_count = total_count + 1 WHERE id = 4`)
	require.NoError(t, err)
	require.Empty(t, keptFindings(t.Context(), t, pool))
}
