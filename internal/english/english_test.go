package english_test

import (
	"math"
	"testing"

	"bestow/internal/english"

	"github.com/stretchr/testify/require"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1_000: "1,000", 12_345: "12,345", 123_456: "123,456", 1_234_567: "1,234,567",
		-1: "-1", -999: "-999", -1_000: "-1,000", -123_456: "-123,456", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		require.Equal(t, want, english.Number(n))
	}
	require.Equal(t, "36,893,488,147,419,103,232", english.Group("36893488147419103232"))
}

func TestCount(t *testing.T) {
	t.Parallel()
	for noun, want := range map[string][3]string{
		"row":             {"1 row", "0 rows", "20,000 rows"},
		"rejected row":    {"1 rejected row", "0 rejected rows", "20,000 rejected rows"},
		"property":        {"1 property", "0 properties", "20,000 properties"},
		"key":             {"1 key", "0 keys", "20,000 keys"},
		"process":         {"1 process", "0 processes", "20,000 processes"},
		"ledger's branch": {"1 ledger's branch", "0 ledger's branches", "20,000 ledger's branches"},
	} {
		require.Equal(t, want, [3]string{english.Count(1, noun), english.Count(0, noun), english.Count(20_000, noun)})
	}
}
