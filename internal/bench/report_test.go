package bench

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// The ratio is that of a round's sums, and the median of the rounds; it survives JSON.
func TestReport(t *testing.T) {
	t.Parallel()
	r := Report{Members: 1000}
	for round, pipeline := range []time.Duration{12, 11, 30} {
		for _, kind := range order {
			run := Run{Kind: kind, Round: round + 1, Targets: 1000, Import: 2 * time.Second, Grant: 8 * time.Second, Exact: true}
			if kind == Pipeline {
				run.Grant = (pipeline - 2) * time.Second
			}
			r.Runs = append(r.Runs, run)
		}
	}
	r.Medians = r.Sum()
	require.InDelta(t, 1.2, r.Medians.Ratio, 1e-9)
	require.InDelta(t, 1.0, r.Medians.Import, 1e-9)
	require.Equal(t, 12*time.Second, r.Medians.Pipeline.Total())
	require.NoError(t, r.exact())
	body, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(body), `"import_ns":2000000000`)
	r.Runs[5].Exact = false
	require.ErrorIs(t, r.exact(), ErrNotExact)
}

// Every member stands in the list once, and every second one is known.
func TestMembers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 100_000 {
		seen[memberAt(i)] = true
	}
	require.Len(t, seen, 100_000)
	require.Len(t, known(100_001), 50_001)
	require.True(t, seen[known(100_000)[0]])
}
