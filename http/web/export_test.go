package web

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What a spreadsheet would run is made inert, and only that.
func TestInert(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠a"} {
		require.Equal(t, "'"+cell, Inert(cell))
	}
	for _, cell := range []string{"", "m1,=1", "봄", "'=1", " =1"} {
		require.Equal(t, cell, Inert(cell))
	}
}
