package app

import (
	"testing"
	"time"

	"bestow/app/grants"

	"github.com/stretchr/testify/require"
)

// A stop waits as long as a claim lasts, and never less than by default.
func TestDrainFollowsTheLease(t *testing.T) {
	t.Parallel()
	for lease, wait := range map[time.Duration]time.Duration{
		time.Second: 15 * time.Second, 15 * time.Second: 15 * time.Second, time.Minute: time.Minute,
	} {
		d := Deps{Limits: Limits{Times: grants.Times{ClaimLease: lease}}}
		require.Equal(t, wait, d.events().drainWait, lease)
	}
}
