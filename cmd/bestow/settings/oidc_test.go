package settings

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// An identity provider is set whole or not at all, and is never asked in the clear.
func TestOIDC(t *testing.T) {
	t.Parallel()
	whole := Config{
		OIDCIssuer: "https://login.example.com", OIDCClientID: "bestow", OIDCSecret: "s3cret", OIDCRoleClaim: "roles",
	}
	require.NoError(t, whole.checkOIDC())
	require.NotNil(t, whole.Company())
	require.NoError(t, Config{OIDCRoleClaim: "roles"}.checkOIDC())
	require.Nil(t, Config{OIDCRoleClaim: "roles"}.Company())
	for says, change := range map[string]func(c *Config){
		"BESTOW_OIDC_ISSUER is not set":             func(c *Config) { c.OIDCIssuer = "" },
		"BESTOW_OIDC_ISSUER must be an address":     func(c *Config) { c.OIDCIssuer = "http://login.example.com" },
		"an address such as":                        func(c *Config) { c.OIDCIssuer = "login.example.com" },
		"BESTOW_OIDC_CLIENT_ID is not set":          func(c *Config) { c.OIDCClientID = "" },
		"BESTOW_OIDC_CLIENT_SECRET_FILE is not set": func(c *Config) { c.OIDCSecret = "" },
		"BESTOW_OIDC_ROLE_CLAIM is empty":           func(c *Config) { c.OIDCRoleClaim = "" },
	} {
		c := whole
		change(&c)
		err := c.checkOIDC()
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "s3cret")
	}
	for _, here := range []string{"http://localhost:8080", "http://127.0.0.1:8080/realm", "http://[::1]:8080"} {
		c := whole
		c.OIDCIssuer = here
		require.NoError(t, c.checkOIDC(), here)
	}
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(" s3cret\n"), 0o600))
	c := Config{OIDCSecretFile: file}
	require.NoError(t, c.readOIDC())
	require.Equal(t, "s3cret", c.OIDCSecret)
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	require.ErrorContains(t, c.readOIDC(), "without a secret")
	require.ErrorContains(t, (&Config{OIDCSecretFile: file + "x"}).readOIDC(), "BESTOW_OIDC_CLIENT_SECRET_FILE")
}
