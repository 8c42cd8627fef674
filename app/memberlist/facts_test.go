package memberlist

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of more different amounts than are counted, the number is not known, and all else is.
func TestAmountsWithoutEnd(t *testing.T) {
	t.Parallel()
	var a Amounts
	for i := range int64(MaxDistinct + 10) {
		a.Add(i + 1)
	}
	a.Add(7)
	a.Add(math.MaxInt64 - a.sum)
	require.True(t, a.many)
	require.Len(t, a.counts, MaxDistinct)
	require.Equal(t, AmountRows{7, 2}, a.commonest()[0])
	require.Len(t, a.commonest(), MaxCommonest)
	require.EqualValues(t, int64(math.MaxInt64), a.sum)
	require.Equal(t, MaxDistinct+12, a.rows)
}
