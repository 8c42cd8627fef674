package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Columns stand below each other on a terminal, where a Korean character takes two columns.
func TestTableCountsColumnsOfATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, table(&out, func(w io.Writer) {
		fmt.Fprint(w, "CAMPAIGN\tTYPE\tFAIL\n봄맞이-감사\tPOINT\t1\nspring\tVOUCHER\t\n")
	}))
	require.Equal(t, "CAMPAIGN     TYPE     FAIL\n봄맞이-감사  POINT    1\nspring       VOUCHER  \n", out.String())
}

func TestThings(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 row, 0 rows, 20,000 rows", strings.Join([]string{things(1, "row"), things(0, "row"), things(20_000, "row")}, ", "))
}
