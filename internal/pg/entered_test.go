package pg

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What the sessions of a server held is gone when the server is started anew, so the process begins another life. So
// it does when it was taken for gone.
func TestALifeEndsWithItsServer(t *testing.T) {
	t.Parallel()
	p := NewPresence("")
	require.True(t, p.entered(1, false, "monday"), "the first server")
	require.True(t, p.entered(1, false, "monday"))
	require.False(t, p.entered(1, false, "tuesday"))
	require.True(t, p.entered(2, false, "tuesday"))
	require.False(t, p.entered(1, false, "tuesday"), "a session that was late")
	require.False(t, p.entered(2, true, "tuesday"))
	require.EqualValues(t, 3, p.Life())
}
