package settings

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A key that no request can carry stops the start; one that can be guessed does so in production (C18).
func TestAdminKey(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", leastKey)
	for _, c := range []struct{ env, key, says string }{
		{"development", "", ""},
		{"development", "x", ""},
		{"production", "x", "fewer than 24"},
		{"production", long[1:], "fewer than 24"},
		{"production", long, ""},
		{"development", " ", "blanks"},
		{"development", "\t", "blanks"},
		{"production", " " + long, "blanks"},
		{"production", long + "\n", "blanks"},
		{"production", "with a blank in the middle of it", "blanks"},
		{"development", "키" + long, "ASCII"},
	} {
		err := Config{Env: c.env, AdminKey: c.key}.checkAdminKey()
		if c.says == "" {
			require.NoError(t, err, "%q", c.key)
			continue
		}
		require.ErrorContains(t, err, c.says, "%q", c.key)
		require.ErrorContains(t, err, "openssl rand")
		require.NotContains(t, err.Error(), long)
	}
	require.True(t, Config{AdminKey: "x"}.WeakAdminKey())
	require.False(t, Config{AdminKey: long}.WeakAdminKey())
}
