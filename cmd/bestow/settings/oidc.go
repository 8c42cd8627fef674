package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"bestow/app/oidc"
)

// readOIDC reads this service's secret at the identity provider.
func (c *Config) readOIDC() error {
	if c.OIDCSecretFile == "" {
		return nil
	}
	body, err := ReadSecret(c.OIDCSecretFile, SecretPatience)
	if err != nil {
		return fmt.Errorf("read BESTOW_OIDC_CLIENT_SECRET_FILE: %w", err)
	}
	if c.OIDCSecret = strings.TrimSpace(string(body)); c.OIDCSecret == "" {
		return errors.New("BESTOW_OIDC_CLIENT_SECRET_FILE names a file without a secret")
	}
	return nil
}

// checkOIDC refuses an identity provider that is half set, or is asked in the clear.
func (c Config) checkOIDC() error {
	if c.OIDCIssuer == "" {
		if c.OIDCClientID != "" || c.OIDCSecretFile != "" {
			return errors.New("BESTOW_OIDC_ISSUER is not set: without it the other BESTOW_OIDC settings have no effect")
		}
		return nil
	}
	var errs []error
	issuer, err := url.Parse(c.OIDCIssuer)
	if err != nil || issuer.Host == "" || issuer.Scheme != "https" && !loopback(issuer) {
		errs = append(errs, errors.New("BESTOW_OIDC_ISSUER must be an address such as https://login.example.com"))
	}
	if c.OIDCClientID == "" {
		errs = append(errs, errors.New("BESTOW_OIDC_CLIENT_ID is not set: BESTOW_OIDC_ISSUER needs it"))
	}
	if c.OIDCSecret == "" {
		errs = append(errs, errors.New("BESTOW_OIDC_CLIENT_SECRET_FILE is not set: BESTOW_OIDC_ISSUER needs it"))
	}
	if c.OIDCRoleClaim == "" {
		errs = append(errs, errors.New("BESTOW_OIDC_ROLE_CLAIM is empty: it must name a claim"))
	}
	return errors.Join(errs...)
}

// loopback reports whether the address is on this machine: what is sent there passes no network.
func loopback(u *url.URL) bool {
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && address.IsLoopback())
}

// Company returns the company's identity provider; nil where people sign in with passwords.
func (c Config) Company() *oidc.Provider {
	if c.OIDCIssuer == "" {
		return nil
	}
	return oidc.New(oidc.Config{
		Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCSecret, RoleClaim: c.OIDCRoleClaim,
	})
}
