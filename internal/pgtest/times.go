package pgtest

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Times returns the number of repetitions of a test: that of the environment variable, or else usual.
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
