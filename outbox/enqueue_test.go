package outbox

import (
	"testing"

	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// Partitions take turns, and within one the order of ids stays.
func TestRunsTakeTurns(t *testing.T) {
	t.Parallel()
	run := func(key int, first int64) domain.Run {
		return domain.Run{EventID: 1, PartitionKey: key, First: first, Last: first + 9}
	}
	got := byTurns([]domain.Run{run(0, 1), run(0, 11), run(0, 21), run(1, 31), run(2, 41), run(2, 51)})
	require.Equal(t, []domain.Run{run(0, 1), run(1, 31), run(2, 41), run(0, 11), run(2, 51), run(0, 21)}, got)
	require.Empty(t, byTurns(nil))
}
