package reports

import (
	"testing"

	"bestow/domain"
	"bestow/internal/eventtest"

	"github.com/stretchr/testify/require"
)

// The rates have no gap, begin with the first claim or ten minutes ago, and add up to what was settled; an event that
// does not run any more is shown as it went at its end.
func TestFlow(t *testing.T) {
	t.Parallel()
	db := eventtest.New(t)
	id, reports := db.Event(), &Reports{pool: db.Pool}
	require.EqualValues(t, 2, db.Event("event_status = 'RUNNING'"))
	f, err := reports.Flow(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, f.Rates)
	require.Empty(t, f.Partitions)

	db.Exec(`UPDATE campaign_events SET event_status = 'RUNNING' WHERE id = $1`, id)
	db.Exec(`INSERT INTO imports (id, event_id, created_by, content_type, sha256, bytes, accepted, rejected, total_amount)
		VALUES (1, $1, 'kim', 'text/csv', '', 1, 700, 0, 700)`, id)
	db.Exec(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at)
		SELECT $1, p, first, first + 99, 100, settled, 1, now() - published, now() - claimed FROM (VALUES
			(0, 1, 100, interval '1h', interval '1h'), -- longer ago than is shown
			(0, 101, 100, '5min', '5min'),
			(0, 201, 60, '5min', '5min'),
			(1, 301, 100, '40s', '30s'),
			(1, 401, 0, '40s', NULL),
			(1, 501, 0, '20s', NULL),
			(1, 601, 100, '2s', '-1min'), -- after the last whole step
			(2, 701, 0, NULL, NULL)) AS c (p, first, settled, published, claimed)`, id)
	unclaimed, err := reports.Flow(t.Context(), 2)
	require.NoError(t, err)
	require.Empty(t, unclaimed.Rates, "no handler has claimed anything")
	f, err = reports.Flow(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, f.Rates, flowSteps)
	settled := 0.0
	for i, r := range f.Rates {
		settled += r.PerS * FlowStep.Seconds()
		if i > 0 {
			require.Equal(t, FlowStep, r.At.Sub(f.Rates[i-1].At))
		}
	}
	require.InDelta(t, 260, settled, 0.001)
	last := f.Rates[flowSteps-1]
	require.Equal(t, f.At.Truncate(FlowStep).Add(-FlowStep).UTC(), last.At.UTC(), "the last whole step")
	require.Len(t, f.Partitions, 3)
	require.GreaterOrEqual(t, f.Partitions[1].OldestS, 40.0)
	f.Partitions[1].OldestS = 0
	require.Equal(t, []Partition{{0, 300, 260, 0, 0}, {1, 400, 200, 2, 0}, {2, 100, 0, 0, 0}}, f.Partitions)

	db.Exec(`UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = $1`, id)
	db.Exec(`DELETE FROM grant_chunks WHERE claimed_at < now() - interval '10 minutes' OR first_id = 601`)
	stopped, err := reports.Flow(t.Context(), id)
	require.NoError(t, err)
	require.InDelta(t, 16, stopped.Rates[0].PerS, 0.001, "it begins with the first claim")
	require.InDelta(t, 10, stopped.Rates[len(stopped.Rates)-1].PerS, 0.001, "and ends with the last one")
	require.Zero(t, stopped.Partitions[1].Behind, "what is in Kafka waits for nothing")

	_, err = reports.Flow(t.Context(), 99)
	require.True(t, domain.IsCode(err, domain.NotFound))
}
