package reports

import (
	"testing"
	"time"

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
	chunk := func(first, partition int, published, claimed string, settled int) {
		db.Exec(`INSERT INTO grant_chunks (event_id, partition_key, first_id, last_id, target_count, settled_count, import_id, published_at, claimed_at)
			VALUES ($1, $2, $3::bigint, $3::bigint + 99, 100, $4, 1, now() - nullif($5, '')::interval, now() - nullif($6, '')::interval)`,
			id, partition, first, settled, published, claimed)
	}
	chunk(1, 0, "1h", "1h", 100) // longer ago than is shown
	chunk(101, 0, "5min", "5min", 100)
	chunk(201, 0, "5min", "5min", 60)
	chunk(301, 1, "40s", "30s", 100)
	chunk(401, 1, "40s", "", 0)
	chunk(501, 1, "20s", "", 0)
	chunk(601, 2, "", "", 0)
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
	require.WithinDuration(t, f.At, f.Rates[flowSteps-1].At, FlowStep)
	require.Len(t, f.Partitions, 3)
	require.InDelta(t, 40, f.Partitions[1].OldestS, 5)
	f.Partitions[1].OldestS = 0
	require.Equal(t, []Partition{{0, 300, 260, 0, 0}, {1, 300, 100, 2, 0}, {2, 100, 0, 0, 0}}, f.Partitions)

	db.Exec(`UPDATE campaign_events SET event_status = 'STOPPED' WHERE id = $1`, id)
	db.Exec(`DELETE FROM grant_chunks WHERE claimed_at < now() - interval '10 minutes'`)
	stopped, err := reports.Flow(t.Context(), id)
	require.NoError(t, err)
	require.InDelta(t, 16, stopped.Rates[0].PerS, 0.001, "it begins with the first claim")
	last := stopped.Rates[len(stopped.Rates)-1]
	require.InDelta(t, 10, last.PerS, 0.001, "and ends with the last one")
	require.Greater(t, f.At.Sub(last.At), 20*time.Second)
	require.Zero(t, stopped.Partitions[1].Behind, "what is in Kafka waits for nothing")

	_, err = reports.Flow(t.Context(), 99)
	require.True(t, domain.IsCode(err, domain.NotFound))
}
