package testbed

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What PostgreSQL's server says is read whole, or not at all.
func TestReadPostmaster(t *testing.T) {
	t.Parallel()
	p, err := readPostmaster("12 15.18 postgres://here")
	require.NoError(t, err)
	require.Equal(t, postmaster{pid: 12, version: "15.18", url: "postgres://here"}, p)
	for _, line := range []string{"", "12 15.18", "x 15.18 postgres://here"} {
		_, err := readPostmaster(line)
		require.Error(t, err)
	}
}
