package moneyclient

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

// Trust lets c trust the servers whose certificates roots has signed.
func (c *Client) Trust(roots *x509.CertPool) {
	//nolint:forcetypeassert // it is what transport made
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
