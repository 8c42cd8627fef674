package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A demo that is refused has written nothing.
func TestDemoIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO campaign_events (campaign_id, event_type, created_by) VALUES ('spring', 'POINT', 'admin')`)
	binary := build(t)
	for setting, says := range map[string]string{
		"BESTOW_ENV=production": "bestow: BESTOW_ENV is production, and the demo grants points to members that it " +
			"makes up\n  unset BESTOW_ENV,",
		"LOG_LEVEL=info": "has 1 event that no demo made, and what the demo grants cannot be taken back\n  " +
			"unset DATABASE_URL,",
	} {
		demo := w.chaosDemo(binary, t.TempDir(), "--members", "10")
		demo.Env = append(demo.Env, setting)
		out, err := demo.CombinedOutput()
		require.Error(t, err, setting)
		require.Contains(t, string(out), says)
	}
	require.Equal(t, 1, w.count(`SELECT count(*) FROM campaign_events`))
}
