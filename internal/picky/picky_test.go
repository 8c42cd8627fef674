package picky

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lists that are made on the rule have each kind of member, as often as it says.
func TestKindsInAList(t *testing.T) {
	t.Parallel()
	kinds := map[Kind]int{}
	for i := range 100_000 {
		kinds[Of(fmt.Sprintf("M%08d", i))]++
	}
	require.InDelta(t, 1_000, kinds[Busy], 100)
	require.InDelta(t, 100, kinds[Closed], 40)
	require.InDelta(t, 100, kinds[Reopened], 40)
}
