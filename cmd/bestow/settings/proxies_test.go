package settings

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// Proxies are addresses or networks, none unless they are set; a list with an entry that is neither stops the start.
func TestProxies(t *testing.T) {
	t.Parallel()
	none, err := Config{}.Proxies()
	require.NoError(t, err)
	require.Empty(t, none)
	some, err := Config{TrustedProxies: []string{
		"10.0.0.7", " 10.1.2.3/16", "::1", "2001:db8::/32", "::ffff:192.0.2.1",
	}}.Proxies()
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.1/32"),
	}, some)
	for _, bad := range []string{
		"", "proxy.example.com", "10.0.0.7:8080", "10.0.0.0/33", "*", "0.0.0.0/0", "::/0", "fe80::1%eth0", "::ffff:0:0/96",
	} {
		c := Config{TrustedProxies: []string{"10.0.0.7", bad}}
		require.ErrorContains(t, c.validate(), "BESTOW_TRUSTED_PROXIES: entry 2 is", bad)
	}
}
