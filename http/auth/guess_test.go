package auth

import (
	"fmt"
	"testing"
	"time"

	"bestow/internal/allowance"

	"github.com/stretchr/testify/require"
)

// The allowance of an address and the one of all come back with time, and bound how many addresses are remembered.
func TestGuesses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g := newGuesses(GuessLimits{AddressBurst: 2, AddressPerSecond: 1, AllBurst: 5, AllPerSecond: 1})
	g.byAddress.Now = func() time.Time { return now }
	require.Zero(t, g.wrong("10.0.0.1"))
	require.Zero(t, g.wrong("10.0.0.1"))
	require.Equal(t, time.Second, g.wrong("10.0.0.1"))
	require.Zero(t, g.wrong("2001:db8::1"))
	require.Zero(t, g.wrong("2001:db8::2"))
	require.Positive(t, g.wrong("2001:db8::3"), "a /64 is one address")
	require.Zero(t, g.wrong("10.0.0.3"))
	remembered := g.byAddress.Len()
	require.Positive(t, g.wrong("10.0.0.4"), "five in all")
	require.Equal(t, remembered, g.byAddress.Len(), "what is refused for all is not remembered")
	now = now.Add(time.Second)
	require.Zero(t, g.wrong("10.0.0.1"))
	for n := range 2 * allowance.Most {
		now = now.Add(time.Second)
		g.wrong(fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	}
	require.LessOrEqual(t, g.byAddress.Len(), allowance.Most+1)
}
