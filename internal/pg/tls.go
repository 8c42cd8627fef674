package pg

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// noTLS is what the driver says of a server that speaks plain text only. It has no type for it.
const noTLS = "server refused TLS connection"

// Explain returns err with what to do about it, if PostgreSQL and we cannot agree about TLS; otherwise err.
func Explain(err error) error {
	if advice := wall(err); advice != "" {
		return fmt.Errorf("%s (%w)", advice, err)
	}
	return err
}

// wall says what keeps a connection from TLS, "" if nothing does.
func wall(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "this process does not trust the authority that signed PostgreSQL's certificate: " +
			"write sslrootcert=FILE into DATABASE_URL, a file with the certificate of that authority"
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("PostgreSQL's certificate is for another name, %q: write that name as the host into "+
			"DATABASE_URL, or sslmode=verify-ca, which does not look at the name", wrong.Certificate.DNSNames)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return fmt.Sprintf("PostgreSQL's certificate is valid from %s to %s: renew it, or set this machine's clock",
				invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
		}
		return "PostgreSQL's certificate cannot be used: give the server another one"
	}
	if strings.Contains(err.Error(), noTLS) {
		return "PostgreSQL speaks no TLS there, and DATABASE_URL asks for it by sslmode: set ssl=on at the server"
	}
	return ""
}
