package secure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

// WallError is the error of a connection that ended because a broker, or this client, does not trust the other.
type WallError struct {
	Err    error
	Advice string // what to do
	// Lasts reports whether the same would happen again until a person has changed something.
	Lasts bool
}

// Error has the advice first, since a long line is cut.
func (w *WallError) Error() string { return w.Advice + " (" + w.Err.Error() + ")" }

// Unwrap returns the error of the connection.
func (w *WallError) Unwrap() error { return w.Err }

// Refused reports whether a connection met a wall that stands until a person has changed something.
func Refused(err error) bool {
	wall, ok := errors.AsType[*WallError](err)
	return ok && wall.Lasts
}

// Explain returns err with what to do about it, as a [WallError], if the same would happen again until a person has
// changed something; otherwise err.
func (c Config) Explain(err error) error {
	if err == nil {
		return nil
	}
	if advice := certificate(err); advice != "" {
		return &WallError{Err: err, Advice: advice, Lasts: true}
	}
	if advice := c.login(err); advice != "" {
		return &WallError{Err: err, Advice: advice, Lasts: true}
	}
	return err
}

// certificate says what is wrong with the broker's certificate, or with ours.
func certificate(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "this process does not trust the authority that signed the broker's certificate: set KAFKA_CA_FILE to a " +
			"file with the certificate of that authority"
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the broker's certificate is for another name: write the name of the certificate into KAFKA_BROKERS and " +
			"into the broker's advertised.listeners, or into KAFKA_SERVER_NAME" + names(wrong.Certificate)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return fmt.Sprintf("the broker's certificate is valid from %s to %s: renew it, or set this machine's clock",
				day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
		}
		return "the broker's certificate cannot be used: give the broker another one"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the broker does not speak TLS there: give its port for TLS, or unset KAFKA_TLS"
	}
	if remote := alertOf(err); remote != "" {
		return "the broker ended TLS: look whether it asks for a certificate, KAFKA_CERT_FILE and KAFKA_KEY_FILE, " +
			"whether it trusts the one who signed it, and whether it has expired"
	}
	return ""
}

// alertOf returns the text of an alert that the broker sent, "" for another error. The library has no type for it: it
// is a network error whose operation is "remote error".
func alertOf(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}

// names says which names a certificate has.
func names(c *x509.Certificate) string {
	if c == nil || len(c.DNSNames) == 0 {
		return ""
	}
	return fmt.Sprintf(" (it has %q)", c.DNSNames[:min(len(c.DNSNames), 3)])
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// login says what is wrong with the user, the password, the mechanism or the user's right to write at all.
func (c Config) login(err error) string {
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		if c.Mechanism == OAuthBearer {
			return "the broker does not take the token in KAFKA_SASL_TOKEN_FILE: look whether it has expired"
		}
		return "the broker does not know KAFKA_SASL_USER with this password and this mechanism: correct KAFKA_SASL_USER " +
			"or the file KAFKA_SASL_PASSWORD_FILE"
	case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return "the broker does not offer KAFKA_SASL_MECHANISM=" + c.Mechanism + ": set one that it offers"
	case errors.Is(err, sarama.ErrIllegalSASLState):
		return "the broker asks for no password at this port: give its port for SASL, or unset the KAFKA_SASL_ settings"
	case errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		return "the broker does not let this user write: allow it Write on the topics and IdempotentWrite on the cluster"
	}
	return ""
}

// cut says what may be wrong if the broker ended a connection without a word.
func (c Config) cut(err error) string {
	_, garbled := errors.AsType[sarama.PacketDecodingError](err)
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
	switch {
	case !ended && !garbled:
		return ""
	case c.Mechanism != "":
		return "the broker ended the connection: look whether KAFKA_SASL_USER and its password are right, and whether the " +
			"broker offers KAFKA_SASL_MECHANISM=" + c.Mechanism + " at this port"
	case c.TLS != nil:
		return "the broker ended the connection: look whether it asks for a password (KAFKA_SASL_MECHANISM)"
	}
	return "the broker ended the connection: look whether it asks for TLS (KAFKA_TLS) or for a password " +
		"(KAFKA_SASL_MECHANISM)"
}

// probeTime is the time that one look at the ports may take.
const probeTime = 2 * time.Second

// Probe returns err, with which the first connection to brokers ended, with what to do about it. It knows more than
// Explain: it looks whether one of the brokers speaks TLS where c is plain text, or plain text where c is TLS, and it
// says what a connection that was ended without a word may mean.
func (c Config) Probe(err error, brokers []string) error {
	explained := c.Explain(err)
	if err == nil || Refused(explained) {
		return explained
	}
	speaks, advice := speaksTLS, ": it speaks TLS there: set KAFKA_TLS=on"
	if c.TLS != nil {
		speaks, advice = speaksPlainText, ": it does not speak TLS there: give its port for TLS, or unset KAFKA_TLS"
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	for _, broker := range brokers {
		if own := c.Explain(c.ask(ctx, broker)); Refused(own) {
			return own // a client says of many errors that no broker is left
		}
		if speaks(ctx, broker) {
			return &WallError{Err: err, Advice: "the broker answers at " + broker + advice, Lasts: true}
		}
	}
	if advice := c.cut(err); advice != "" {
		return &WallError{Err: err, Advice: advice}
	}
	return err
}

// speaksTLS reports whether a server answers the first message of TLS in kind. It sends nothing but that message.
func speaksTLS(ctx context.Context, address string) bool {
	answered := false
	look := &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // the connection ends here: nothing is sent, nothing is believed
		MinVersion:         tls.VersionTLS12,
		VerifyConnection: func(tls.ConnectionState) error {
			answered = true
			return errSeen
		},
	}
	conn, err := (&tls.Dialer{Config: look}).DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close() // nothing was written
	}
	return answered
}

var errSeen = errors.New("seen")

// speaksPlainText reports whether a broker answers in plain text which versions it knows, which it tells before it
// asks who we are.
func speaksPlainText(ctx context.Context, address string) bool {
	return Config{}.ask(ctx, address) == nil
}

// ask returns the error of one request to one broker, by a connection of its own: which versions it knows.
func (c Config) ask(ctx context.Context, address string) error {
	conf := sarama.NewConfig()
	conf.Version = sarama.V2_8_0_0
	if ends, bounded := ctx.Deadline(); bounded {
		left := max(time.Until(ends), time.Millisecond)
		conf.Net.DialTimeout, conf.Net.ReadTimeout, conf.Net.WriteTimeout = left, left, left
	}
	c.Apply(conf)
	broker := sarama.NewBroker(address)
	if err := broker.Open(conf); err != nil {
		return err
	}
	defer func() { _ = broker.Close() }() // nothing was written
	_, err := broker.ApiVersions(&sarama.ApiVersionsRequest{})
	return err
}
