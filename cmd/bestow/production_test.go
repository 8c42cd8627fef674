package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// In production, and only there, an event needs the limits of its type, and a key of a hash has to be wrapped (C7, C24).
func TestProductionIsStrict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.process(t.Context(), overrides{}, roleAPI)
	t.Cleanup(p.close)
	for env, strict := range map[string]bool{"production": true, "development": false} {
		p.cfg.Env = env
		require.NoError(t, p.wireApp(t.Context()))
		require.Equal(t, strict, p.app.Events.LimitsNeeded, env)
		require.Equal(t, strict, p.app.Reports.LimitsNeeded, env)
		require.Equal(t, strict, p.app.Targets.WrappedKeysOnly, env)
		require.Equal(t, strict, p.app.Grants.WrappedKeysOnly, env)
	}
}
