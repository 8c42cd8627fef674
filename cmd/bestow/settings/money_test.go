package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A ledger's address or token that cannot be used stops the start, and in production one that others can read or guess.
// No token and no password is repeated.
func TestMoneySettings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("t", leastKey)
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"nothing":                {Config{}, ""},
		"a token that listens":   {Config{MoneyToken: "s3cret"}, ""},
		"an address, no token":   {Config{MoneyURL: "http://money"}, "BESTOW_MONEY_TOKEN is not set"},
		"no address":             {Config{MoneyURL: "money:8081", MoneyToken: "s3cret"}, "BESTOW_MONEY_URL is not http://host"},
		"with a password":        {Config{MoneyURL: "https://u:s3cret@money", MoneyToken: "s3cret"}, "without user and password"},
		"blanks":                 {Config{MoneyToken: "s3cret\n"}, "BESTOW_MONEY_TOKEN has blanks"},
		"short, in production":   {Config{Env: "production", MoneyToken: "s3cret"}, "fewer than 24"},
		"clear, in production":   {Config{Env: "production", MoneyToken: long, MoneyURL: "http://money:8081"}, "production needs https://"},
		"clear to this machine":  {Config{Env: "production", MoneyToken: long, MoneyURL: "http://127.0.0.1:8081"}, ""},
		"clear to it by name":    {Config{Env: "production", MoneyToken: long, MoneyURL: "http://localhost:8081"}, ""},
		"clear to it in IPv6":    {Config{Env: "production", MoneyToken: long, MoneyURL: "http://[::1]:8081"}, ""},
		"a name that says it is": {Config{Env: "production", MoneyToken: long, MoneyURL: "http://127.0.0.1.example"}, "production needs https://"},
		"another, in the clear": {
			Config{
				Env: "production",
				Others: []LedgerAddress{{
					Name: "coupon", Setting: "BESTOW_GRANTERS: coupon", URL: "http://coupon",
					Token: long,
				}},
			},
			"BESTOW_GRANTERS: coupon begins with http://",
		},
		"another's short token": {
			Config{
				Env:    "production",
				Others: []LedgerAddress{{Name: "coupon", URL: "https://coupon", Token: "s3cret"}},
			},
			"BESTOW_GRANTER_COUPON_TOKEN_FILE has fewer than 24",
		},
	} {
		err := c.config.checkMoney()
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
		require.NotContains(t, err.Error(), "s3cret", name)
	}
}

// BESTOW_GRANTERS is read entry by entry, each with the file of its token, whose setting is then known.
func TestGranters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("s3cret\n"), 0o600))
	t.Setenv("BESTOW_GRANTER_COUPON_SHOP_TOKEN_FILE", file)
	for name, value := range map[string]string{"MAX_ITEMS": "100", "RATE": "50", "TIMEOUT": "2s"} {
		t.Setenv("BESTOW_GRANTER_COUPON_SHOP_"+name, value)
	}
	c := Config{Granters: []string{"coupon-shop=https://coupon.example"}}
	require.NoError(t, c.readMoney())
	require.Equal(t, []LedgerAddress{{
		"coupon-shop", "BESTOW_GRANTERS: coupon-shop", "https://coupon.example",
		"s3cret",
		LedgerLimits{MaxItems: 100, Rate: 50, Timeout: 2 * time.Second},
	}}, c.Ledgers())
	for setting, values := range map[string][]string{
		"BESTOW_GRANTER_COUPON_SHOP_MAX_ITEMS": {"0", "5001", "many"},
		"BESTOW_GRANTER_COUPON_SHOP_RATE":      {"0", "-1", "1.5"},
		"BESTOW_GRANTER_COUPON_SHOP_TIMEOUT":   {"0", "2", "11s", "1ms"},
	} {
		before := os.Getenv(setting)
		for _, value := range values {
			t.Setenv(setting, value)
			require.ErrorContains(t, (&Config{Granters: c.Granters}).readMoney(), setting+" must be", value)
		}
		t.Setenv(setting, before)
	}
	require.NoError(t, unknownSettings([]string{"BESTOW_GRANTER_COUPON_SHOP_RATE=1"}, c.granterSettings()...))
	require.NoError(t, unknownSettings([]string{"BESTOW_GRANTER_COUPON_SHOP_TOKEN_FILE=/t"}, c.granterSettings()...))
	require.Error(t, unknownSettings([]string{"BESTOW_GRANTER_COUPON_TOKEN_FILE=/t"}, c.granterSettings()...))
	for entry, says := range map[string]string{
		"coupon":                        "entry 1 is not name=url",
		"coupon=":                       "entry 1 is not name=url",
		"Coupon=https://x":              "entry 1 has a name",
		"money=https://u:s3cret@x":      "BESTOW_MONEY_URL",
		"other=https://x":               "BESTOW_GRANTER_OTHER_TOKEN_FILE is not set",
		"=https://u:s3cret@x":           "entry 1 has a name",
		"a=https://x,b=https://s3cret@": "BESTOW_GRANTER_A_TOKEN_FILE is not set",
	} {
		err := (&Config{Granters: []string{entry}}).readMoney()
		require.ErrorContains(t, err, says, entry)
		require.NotContains(t, err.Error(), "s3cret", entry)
	}
	twice := Config{Granters: []string{"coupon-shop=https://x", "coupon_shop=https://y"}}
	require.ErrorContains(t, twice.readMoney(), "stands twice")
}
