package daemon

import (
	"testing"
	"time"

	"bestow/app/reports"

	"github.com/stretchr/testify/require"
)

// A process that cannot look for a while does not go on telling what it saw before: readyz would be ok while nothing
// moves.
func TestBlindHeart(t *testing.T) {
	t.Parallel()
	h := &heart{failed: "session 7 holds a lock"}
	require.Empty(t, h.standing(), "it has only just begun")
	h.seen = time.Now()
	require.Empty(t, h.standing())
	h.seen = time.Now().Add(-blindAfter)
	still := h.standing()
	require.Len(t, still, 1)
	require.Equal(t, reports.NotKnown, still[0].Code)
	require.Contains(t, still[0].Text, "session 7 holds a lock")
}
