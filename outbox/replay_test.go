package outbox

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A replay's header is read as it was written; whatever else stands there makes the message an ordinary one.
func TestReplayHeader(t *testing.T) {
	t.Parallel()
	r := replay{7, time.UnixMicro(1_795_000_000_123_456)}
	require.Equal(t, "7.1795000000123456", r.String(), "it is wire format")
	require.Equal(t, r, readReplay(r.String()))
	for _, odd := range []string{"", "7", "7.", ".7", "x.1", "0.1", "-1.1", "1.-1", "1.9223372036854775807", "9223372036854775808.1", "1.1.1", "1 .1"} {
		require.Zero(t, readReplay(odd), odd)
	}
}

// Job kinds and their names stand in databases: they are wire format.
func TestReplayArgs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "replay", ReplayArgs{}.Kind())
	body, err := json.Marshal(ReplayArgs{ParkedID: 7})
	require.NoError(t, err)
	require.JSONEq(t, `{"parked_id": 7}`, string(body))
}
