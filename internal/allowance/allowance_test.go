package allowance_test

import (
	"strings"
	"testing"
	"time"

	"bestow/internal/allowance"

	"github.com/stretchr/testify/require"
)

// A key has a burst, and then what comes back with time; another key has its own.
func TestTake(t *testing.T) {
	t.Parallel()
	table := allowance.NewTable[string](allowance.Limit{Burst: 2, PerSecond: 0.1})
	now := time.Now()
	table.Now = func() time.Time { return now }
	require.Zero(t, table.Take("a"))
	require.Zero(t, table.Take("a"))
	require.Equal(t, 10*time.Second, table.Take("a"))
	require.Zero(t, table.Take("b"))
	now = now.Add(10 * time.Second)
	require.Zero(t, table.Take("a"))
	require.Positive(t, table.Take("a"))
	table.Forget("a")
	require.Zero(t, table.Take("a"))
	require.Zero(t, table.Take("a"))
}

// The allowances that are remembered are bounded.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	table := allowance.NewTable[string](allowance.Limit{Burst: 10, PerSecond: 1.0 / 60})
	for i := range allowance.Most + 100 {
		_ = table.Take(strings.Repeat("x", i%3) + string(rune(i)) + time.Duration(i).String())
	}
	require.LessOrEqual(t, table.Len(), allowance.Most+1)
}
