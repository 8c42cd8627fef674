package reports

import (
	"strings"
	"testing"

	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Progress reads what is not SUCCESS by the index that holds nothing else, whether statistics know the event or not: by
// another one it would read the whole event, each second.
func TestProgressPlan(t *testing.T) {
	t.Parallel()
	db := eventtest.New(t)
	pool, id, reports := db.Pool, db.Event(), &Reports{pool: db.Pool}
	_, err := pool.Exec(t.Context(), `ALTER TABLE point_results SET (autovacuum_enabled = off)`)
	require.NoError(t, err)
	for _, statistics := range []string{"", "ANALYZE point_results"} {
		_, err = pool.Exec(t.Context(), `INSERT INTO point_results (event_id, amount, member_id, status)
			SELECT $1, 5, 'm' || g || $2, CASE WHEN g % 1000 = 0 THEN 'PERMANENTLY_FAILED' ELSE 'SUCCESS' END FROM generate_series(1, 50000) g`,
			id, statistics)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), statistics)
		require.NoError(t, err)
		rows, err := pool.Query(t.Context(), `EXPLAIN `+openResults("point_results"), id)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Contains(t, strings.Join(plan, "\n"), "point_results_open")
	}
	p, err := reports.Progress(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"unknown": 100}, p.Failures)
}

// An event whose given-up members are tried again is not at rest until each is answered, and says what that waits for.
func TestProgressOfRedriven(t *testing.T) {
	t.Parallel()
	db := eventtest.New(t)
	pool, id, reports := db.Pool, db.Event(), &Reports{pool: db.Pool}
	_, err := pool.Exec(t.Context(), `INSERT INTO point_results (event_id, amount, member_id, status, error_code)
		SELECT 1, 5, 'm' || g, 'PERMANENTLY_FAILED', 'account_closed' FROM generate_series(1, 5) g`)
	require.NoError(t, err)
	for _, step := range []struct {
		sql        string
		inFlight   int
		waitingFor []string
	}{
		{`UPDATE campaign_events SET event_status = 'COMPLETED'`, 0, nil},
		{`UPDATE point_results SET redrive = 1 WHERE member_id < 'm4'`, 3, []string{processes.RoleRelay, processes.RoleHandler}},
		{`INSERT INTO brakes (scope, by, memo) VALUES ('all', 'kim', 'wait')`, 3, []string{domain.BrakeEngaged, processes.RoleRelay, processes.RoleHandler}},
		{`UPDATE point_results SET redrive_done = 1 WHERE member_id < 'm3'`, 1, []string{domain.BrakeEngaged, processes.RoleRelay, processes.RoleHandler}},
		{`DELETE FROM point_results WHERE member_id = 'm3'`, 0, nil},
		{`UPDATE point_results SET redrive = 2 WHERE member_id = 'm1'`, 1, []string{domain.BrakeEngaged, processes.RoleRelay, processes.RoleHandler}},
		{`DELETE FROM brakes; UPDATE campaign_events SET event_status = 'STOPPED'`, 0, []string{domain.NoTargets}},
	} {
		_, err := pool.Exec(t.Context(), step.sql)
		require.NoError(t, err)
		p, err := reports.Progress(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, step.inFlight, p.InFlight, step.sql)
		require.Equal(t, step.inFlight == 0, p.AtRest(), step.sql)
		require.Equal(t, step.waitingFor, codesOf(p.WaitingFor), step.sql)
	}
}

func codesOf(reasons []Reason) (codes []string) {
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return codes
}

// The lag says at which stage the targets wait and for how long: of an event that runs at each, of another one only
// what handlers hold.
func TestLag(t *testing.T) {
	t.Parallel()
	reports, pool := quietEvent(t)
	runSQL(t, pool, `
		UPDATE campaign_events SET total_count = 60;
		UPDATE campaign_event_summary SET published_count = 35, started_at = now() - interval '90 seconds';
		UPDATE grant_chunks SET settled_count = 10, settled_at = now();
		INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, import_id, target_count, published_at, claimed_at, claim_token, attempts, open_until)
			VALUES (1, 0, 11, 20, 1, 10, now() - interval '60 seconds', now() - interval '40 seconds', gen_random_uuid(), 1, now() + interval '1 minute'),
			       (1, 0, 21, 35, 1, 15, now() - interval '50 seconds', NULL, NULL, 0, NULL),
			       (1, 0, 36, 60, 1, 25, NULL, NULL, NULL, 0, NULL)`)
	lag := func() Lag {
		p, err := reports.Progress(t.Context(), 1)
		require.NoError(t, err)
		for _, w := range []*Waiting{&p.Lag.Relay, &p.Lag.Kafka, &p.Lag.Ledger} {
			w.OldestS = float64(int(w.OldestS) / 10 * 10) // the test takes a moment
		}
		return p.Lag
	}
	require.Equal(t, Lag{Relay: Waiting{25, 90}, Kafka: Waiting{15, 50}, Ledger: Waiting{10, 40}}, lag())
	runSQL(t, pool, `UPDATE campaign_events SET event_status = 'STOPPED'`)
	require.Equal(t, Lag{Ledger: Waiting{10, 40}}, lag())
	runSQL(t, pool, `UPDATE campaign_events SET event_status = 'RUNNING';
		UPDATE campaign_event_summary SET published_count = 60;
		UPDATE grant_chunks SET published_at = now(), claimed_at = now(), settled_count = target_count, open_until = NULL`)
	require.Equal(t, Lag{}, lag())
}
