package terminal

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"bestow/internal/english"

	"github.com/stretchr/testify/require"
)

// Columns stand below each other on a terminal, where a Korean character takes two columns.
func TestTableCountsColumnsOfATerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, (&Terminal{Out: &out}).Table(func(w io.Writer) {
		fmt.Fprint(w, "CAMPAIGN\tTYPE\tFAIL\n봄맞이-감사\tPOINT\t1\nspring\tVOUCHER\t\n")
	}))
	require.Equal(t, "CAMPAIGN     TYPE     FAIL\n봄맞이-감사  POINT    1\nspring       VOUCHER  \n", out.String())
}

func TestThings(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 row, 0 rows, 20,000 rows",
		strings.Join([]string{english.Count(1, "row"), english.Count(0, "row"), english.Count(20_000, "row")}, ", "))
}

// A moment in a sentence of the service is shown in the zone of all others.
func TestInZone(t *testing.T) {
	t.Parallel()
	seoul, err := time.LoadLocation("Asia/Seoul")
	require.NoError(t, err)
	for text, want := range map[string]string{
		"":                        "",
		"admin engaged the brake": "admin engaged the brake",
		"it is reserved for 2026-11-28T23:59:05Z":    "it is reserved for 2026-11-29 08:59:05 KST",
		"2026-11-28T15:00:00Z, 2026-11-28T14:59:59Z": "2026-11-29 00:00:00 KST, 2026-11-28 23:59:59 KST",
		"2026-13-28T23:59:05Z":                       "2026-13-28T23:59:05Z",
		"2026-11-28T23:59:05+09:00":                  "2026-11-28T23:59:05+09:00",
	} {
		require.Equal(t, want, InZone(text, seoul), text)
	}
}
