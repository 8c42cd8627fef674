package verify

import (
	"context"
	"fmt"
	"testing"

	"bestow/domain"
	"bestow/internal/english"
	"bestow/internal/pg"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// contents is everything that a repair must not touch, as one text.
func contents(tb testing.TB, pool *pgxpool.Pool) (text string) {
	tb.Helper()
	const query = `SELECT concat_ws(E'\n', (SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM campaign_events x),
		(SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM point_targets x), (SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM voucher_targets x),
		(SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM point_results x), (SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM voucher_results x),
		(SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM money.point_member x), (SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM money.point_member_detail x),
		(SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM money.vouchers x), (SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM river.river_job x))`
	require.NoError(tb, pool.QueryRow(tb.Context(), query).Scan(&text))
	return text
}

// A repair recounts every counter that drifted, says what it changed, and changes nothing else.
func TestRepair(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	reports := poorVerifier(pool)
	before := contents(t, pool)
	repaired, err := reports.Repair(t.Context(), Query{})
	require.NoError(t, err)
	require.Empty(t, repaired)

	_, err = pool.Exec(t.Context(), `
		UPDATE campaign_event_summary SET published_count = 0, success_count = 99, fail_count = 0, retry_success_count = 3 WHERE event_id = 3;
		UPDATE campaign_event_summary SET success_count = success_count + 1 WHERE event_id = 2;
		UPDATE grant_chunks SET settled_count = 0, settled_at = NULL WHERE event_id = 3 AND first_id = 3000;
		UPDATE grant_chunks SET settled_count = 4, settled_at = now() WHERE event_id = 3 AND first_id = 3004`)
	require.NoError(t, err)
	_, red := verify(t, pool, Query{})
	require.Equal(t, []string{"I6", "I9", "I11"}, red)

	repaired, err = reports.Repair(t.Context(), Query{Event: "3"})
	require.NoError(t, err)
	require.Equal(t, []Repaired{
		{3, "settled_count of chunk 3/0/3000-3003", 0, 4},
		{3, "settled_count of chunk 3/0/3004-3007", 4, 1},
		{3, "published_count", 0, 12},
		{3, "success_count", 99, 9},
		{3, "fail_count", 0, 1},
		{3, "retry_success_count", 3, 1},
	}, repaired)
	require.Equal(t, "event 3: success_count was 99, is 9", repaired[3].String())
	_, red = verify(t, pool, Query{})
	require.Equal(t, []string{"I6", "I9"}, red, "event 2 was not asked for")
	var stamps string
	require.NoError(t,
		pool.QueryRow(t.Context(),
			`SELECT string_agg((settled_at IS NOT NULL)::text, ' ' ORDER BY first_id) FROM grant_chunks WHERE event_id = 3`).Scan(&stamps))
	require.Equal(t, "true false false false false true", stamps)

	repaired, err = reports.Repair(t.Context(), Query{})
	require.NoError(t, err)
	require.Equal(t, []Repaired{{2, "success_count", 17, 16}}, repaired)
	_, red = verify(t, pool, Query{})
	require.Empty(t, red)
	require.Equal(t, before, contents(t, pool))
}

// What no recount mends stays as it is, and red.
func TestRepairLeavesAlone(t *testing.T) {
	t.Parallel()
	pool := plant(t)
	_, err := pool.Exec(t.Context(), `
		UPDATE campaign_events SET total_count = total_count + 1, total_amount = 1 WHERE id = 4;
		UPDATE grant_chunks SET target_count = 3, settled_count = 3 WHERE event_id = 3 AND first_id = 3000;
		DELETE FROM campaign_event_summary WHERE event_id = 6`)
	require.NoError(t, err)
	repaired, err := poorVerifier(pool).Repair(t.Context(), Query{})
	require.NoError(t, err)
	require.Empty(t, repaired)
	_, red := verify(t, pool, Query{})
	require.Equal(t, []string{"I6", "I7", "I9", "I11", "I24", "I38"}, red)
	_, err = poorVerifier(pool).Repair(t.Context(), Query{Event: "99"})
	require.ErrorIs(t, err, &domain.Error{Code: domain.NotFound})
}

// busyEvent makes a running event of chunks of two targets each, all published.
func busyEvent(tb testing.TB, pool *pgxpool.Pool, chunks int) {
	tb.Helper()
	_, err := pool.Exec(tb.Context(), fmt.Sprintf(`
		INSERT INTO campaign_events (id, campaign_id, event_type, event_status, total_count, total_amount, partition_count, created_by)
		VALUES (50, 'busy', 'POINT', 'RUNNING', %[1]d * 2, %[1]d * 200, 1, 'test');
		INSERT INTO campaign_event_summary (event_id, started_at) VALUES (50, now());
		SELECT setval('campaign_events_id_seq', 50), setval('imports_id_seq', 50);
		INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount) VALUES (50, 50, 'test', 'text/csv', 'x', 1, %[1]d * 2, 0, %[1]d * 200);
		UPDATE imports SET digest = import_digest(id) WHERE id = 50;
		INSERT INTO point_targets (id, event_id, member_id, amount, partition_key) SELECT n, 50, 'm' || n, 100, 0 FROM generate_series(0, %[1]d * 2 - 1) n;
		INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, import_id)
		SELECT 50, 0, n * 2, n * 2 + 1, 2, 50 FROM generate_series(0, %[1]d - 1) n;
		INSERT INTO river.river_job (state, kind, args, max_attempts, queue)
		SELECT 'available', 'relay', jsonb_build_object('event_id', 50, 'partition_key', 0, 'first_id', n * 2, 'last_id', n * 2 + 1, 'mode', 'first', 'try', 0), 32767, 'relay'
		FROM generate_series(0, %[1]d - 1) n`, chunks))
	require.NoError(tb, err)
}

// workChunk takes a chunk along the road, in the transactions and the order of the product: claim and grant, then mark,
// then settle, so that the ledger and the results are ahead of the mark for a while.
func workChunk(ctx context.Context, pool *pgxpool.Pool, first int) error {
	steps := [][]string{
		{`SELECT pg_advisory_xact_lock_shared(50 << 3)`, `UPDATE grant_chunks SET claimed_at = now(), claim_token = gen_random_uuid(), open_until = now() + interval '15s' WHERE event_id = 50 AND first_id = $1`},
		{`WITH saved AS (INSERT INTO money.point_member (member_id, point, point_status_code, point_type_code, issue_date, expiry_date, ref_unique_id, idempotency_key)
			SELECT 'm' || n, 100, 'S', 'CM', to_char(now() AT TIME ZONE 'Asia/Seoul', 'YYYYMMDD'), '99991231', '50', 'grant:50:m' || n FROM generate_series($1::bigint, $1 + 1) n RETURNING point_member_id, member_id)
		  INSERT INTO money.point_lot (point_member_detail_id, point_member_id, save_point_member_id, member_id, point, remaining, point_status_code)
			SELECT point_member_id, point_member_id, point_member_id, member_id, 100, 100, 'S' FROM saved`},
		{
			`INSERT INTO point_results (event_id, member_id, amount, status, money_tx_id)
			SELECT 50, m.member_id, 100, 'SUCCESS', 'P' || m.point_member_id FROM money.point_member m
			WHERE m.idempotency_key IN ('grant:50:m' || $1::bigint, 'grant:50:m' || $1::bigint + 1)`,
			`UPDATE grant_chunks SET settled_count = settled_count + 2, settled_at = now(), claim_token = NULL, open_until = NULL WHERE event_id = 50 AND first_id = $1`,
			`UPDATE campaign_event_summary SET success_count = success_count + 2 WHERE event_id = 50 AND $1 >= 0`,
		},
		{
			`SELECT pg_advisory_xact_lock_shared(50 << 3)`, `UPDATE river.river_job SET state = 'completed', finalized_at = now() WHERE args @> jsonb_build_object('event_id', 50, 'first_id', $1::bigint)`,
			`UPDATE point_targets SET publish_status = 'PUBLISHED' WHERE event_id = 50 AND id BETWEEN $1 AND $1 + 1`,
			`UPDATE grant_chunks SET published_at = now() WHERE event_id = 50 AND first_id = $1`,
			`UPDATE campaign_event_summary SET published_count = published_count + 2 WHERE event_id = 50 AND $1 >= 0`,
		},
	}
	for _, statements := range steps {
		if err := pg.InTx(ctx, pool, func(tx pgx.Tx) error { return execAll(ctx, tx, statements, first) }); err != nil {
			return err
		}
	}
	return nil
}

func execAll(ctx context.Context, tx pgx.Tx, statements []string, first int) error {
	for _, sql := range statements {
		args := []any{first}
		if sql[:6] == "SELECT" {
			args = nil
		}
		if _, err := tx.Exec(ctx, sql, args...); err != nil {
			return err
		}
	}
	return nil
}

// While an event runs, no report shows a difference, all of a report is of one moment, and a repair mends what drifted
// without losing what settlings and marks add at the same time.
func TestVerifyAndRepairWhileRunning(t *testing.T) {
	t.Parallel()
	const chunks, workers = 300, 3
	pool := plant(t)
	busyEvent(t, pool, chunks)
	work, ctx := errgroup.WithContext(t.Context())
	for w := range workers {
		work.Go(func() error {
			for chunk := w; chunk < chunks; chunk += workers {
				if err := workChunk(ctx, pool, chunk*2); err != nil {
					return err
				}
			}
			return nil
		})
	}
	done := make(chan error, 1)
	go func() { done <- work.Wait() }()
	for running := true; running; {
		select {
		case err := <-done:
			require.NoError(t, err)
			running = false
		default:
		}
		driftAndRepair(t, pool)
		report, red := verify(t, pool, Query{Event: "busy"})
		require.Empty(t, red, "%+v", report)
		require.Contains(t, report.Invariants[2].Compared,
			english.Number(report.Totals.Success)+" SUCCESS results with "+english.Number(*report.Totals.Ledger)+
				" ledger saves")
		require.GreaterOrEqual(t, *report.Totals.Ledger, report.Totals.Success)
	}
	report, _ := verify(t, pool, Query{Event: "busy"})
	require.Equal(t, "targets = published = results = ledger: 600 = 600 = 600 = 600", report.Totals.String())
}

// driftAndRepair makes two counters of the busy event drift and repairs them a few times.
func driftAndRepair(tb testing.TB, pool *pgxpool.Pool) {
	tb.Helper()
	for range 3 {
		_, err := pool.Exec(tb.Context(),
			`UPDATE campaign_event_summary SET success_count = success_count + 7, published_count = published_count - 1 WHERE event_id = 50`)
		require.NoError(tb, err)
		repaired, err := poorVerifier(pool).Repair(tb.Context(), Query{Event: "busy"})
		require.NoError(tb, err)
		require.Len(tb, repaired, 2)
		require.EqualValues(tb, []int64{-1, 7},
			[]int64{repaired[0].Before - repaired[0].After, repaired[1].Before - repaired[1].After})
	}
}

// One connection is enough, and a pool whose other connections are all in use.
func TestVerifyWithOneConnection(t *testing.T) {
	t.Parallel()
	config := plant(t).Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	_, red := verify(t, pool, Query{})
	require.Empty(t, red)
}
