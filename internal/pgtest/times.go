package pgtest

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Times is how often a test does what can be done any number of times: as the environment variable says, else usual.
func Times(tb testing.TB, variable string, usual int) int {
	tb.Helper()
	many := os.Getenv(variable)
	if many == "" {
		return usual
	}
	n, err := strconv.Atoi(many)
	require.NoError(tb, err)
	return n
}
