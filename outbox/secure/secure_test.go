package secure_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"bestow/internal/certtest"
	"bestow/internal/kafkatest"
	"bestow/outbox/secure"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, kafkatest.Leaks()...) }

const password = "correct-horse-battery"

// connect makes a client by c, as a process does.
func connect(t *testing.T, c secure.Config, brokers []string) error {
	t.Helper()
	sc := sarama.NewConfig()
	sc.Version = sarama.V2_8_0_0
	sc.Metadata.Retry.Max = 0
	sc.Net.DialTimeout, sc.Net.ReadTimeout = 10*time.Second, 3*time.Second
	c.Apply(sc)
	client, err := sarama.NewClient(brokers, sc)
	if err != nil {
		err = c.Probe(err, brokers)
		require.NotContains(t, err.Error(), password)
		return err
	}
	return client.Close()
}

// trusting is TLS that trusts one authority.
func trusting(a *certtest.Authority) *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
}

// serving is a broker with this certificate.
func serving(p certtest.Pair) kfake.Opt {
	return kfake.TLS(&tls.Config{Certificates: []tls.Certificate{p.TLS}, MinVersion: tls.VersionTLS12})
}

// Each mechanism of passwords lets in the user with the right password, over TLS and in plain text, and nobody else.
func TestMechanisms(t *testing.T) {
	t.Parallel()
	a := certtest.New(t)
	for _, mechanism := range []string{secure.Plain, secure.ScramSHA256, secure.ScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			asks := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser(mechanism, "bestow", password)}
			plain := kafkatest.Walled(t, asks...)
			over := kafkatest.Walled(t, append(asks, serving(a.Server()))...)
			c := secure.Config{Mechanism: mechanism, User: "bestow", Password: password}
			require.NoError(t, connect(t, c, plain))
			c.TLS = trusting(a)
			require.NoError(t, connect(t, c, over))

			c.Password = "wrong-horse-battery"
			require.ErrorContains(t, connect(t, c, over), "KAFKA_SASL_USER")
			c.TLS = nil
			require.ErrorContains(t, connect(t, c, plain), "KAFKA_SASL_USER")
			c.User, c.Password = "stranger", password
			require.ErrorContains(t, connect(t, c, plain), "KAFKA_SASL_USER")
			require.ErrorContains(t, connect(t, secure.Config{}, plain), "asks for TLS (KAFKA_TLS) or for a password")
			require.ErrorContains(t, connect(t, secure.Config{TLS: trusting(a)}, over), "asks for a password (KAFKA_SASL_MECHANISM)")
		})
	}
}

// A mechanism that the broker does not offer is told as such, and waiting does not help.
func TestMechanismIsNotOffered(t *testing.T) {
	t.Parallel()
	brokers := kafkatest.Walled(t, kfake.EnableSASL(), kfake.Superuser(secure.Plain, "bestow", password))
	c := secure.Config{Mechanism: secure.OAuthBearer, Token: func() (secure.Secret, error) { return "t0ken", nil }}
	err := connect(t, c, brokers)
	require.ErrorContains(t, err, "does not offer KAFKA_SASL_MECHANISM=OAUTHBEARER")
	require.True(t, secure.Refused(err))
}

// Each way in which TLS fails is told apart, with the setting to change, and a start does not wait for it to pass.
func TestWallsOfTLS(t *testing.T) {
	t.Parallel()
	a, other := certtest.New(t), certtest.New(t)
	plain := kafkatest.Walled(t)
	right := kafkatest.Walled(t, serving(a.Server()))
	expired := kafkatest.Walled(t, serving(a.Issue("127.0.0.1", time.Now().Add(-time.Hour))))
	misnamed := kafkatest.Walled(t, serving(a.Issue("kafka.example.com", time.Now().Add(time.Hour))))
	asking := kafkatest.Walled(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{a.Server().TLS}, ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs: a.Pool(), MinVersion: tls.VersionTLS12,
	}))
	named := trusting(a)
	named.ServerName = "kafka.example.com"
	known, unknown := trusting(a), trusting(a)
	known.Certificates = []tls.Certificate{a.Issue("bestow", time.Now().Add(time.Hour)).TLS}
	unknown.Certificates = []tls.Certificate{other.Issue("bestow", time.Now().Add(time.Hour)).TLS}
	require.NoError(t, connect(t, secure.Config{TLS: trusting(a)}, right))
	require.NoError(t, connect(t, secure.Config{TLS: named}, misnamed))
	require.NoError(t, connect(t, secure.Config{TLS: known}, asking))
	require.NoError(t, connect(t, secure.Config{}, plain))
	for name, c := range map[string]struct {
		brokers []string
		tls     *tls.Config
		says    string
	}{
		"an unknown authority": {right, trusting(other), "set KAFKA_CA_FILE"},
		"expired":              {expired, trusting(a), "renew it, or set this machine's clock"},
		"another name":         {misnamed, trusting(a), `KAFKA_SERVER_NAME (it has ["kafka.example.com"])`},
		"plain text":           {plain, trusting(a), "does not speak TLS there"},
		"no TLS":               {right, nil, right[0] + ": it speaks TLS there: set KAFKA_TLS=on"},
		"no certificate":       {asking, trusting(a), "KAFKA_CERT_FILE and KAFKA_KEY_FILE"},
		"a stranger's":         {asking, unknown, "KAFKA_CERT_FILE and KAFKA_KEY_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := connect(t, secure.Config{TLS: c.tls}, c.brokers)
			require.ErrorContains(t, err, c.says)
			require.True(t, secure.Refused(err))
		})
	}
}

// A broker that is away, and one that ends connections without a word, may be there again in a moment.
func TestAwayIsNoWall(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	err = connect(t, secure.Config{}, []string{l.Addr().String()})
	require.Error(t, err)
	require.False(t, secure.Refused(err))
	brokers := kafkatest.Walled(t, kfake.EnableSASL(), kfake.Superuser(secure.Plain, "bestow", password))
	require.False(t, secure.Refused(connect(t, secure.Config{}, brokers)))
}

// What brokers answer to a user without a right, and to one with a wrong password, lasts, and names what to change; an
// answer that passes by itself is left as it is.
func TestExplain(t *testing.T) {
	t.Parallel()
	c := secure.Config{Mechanism: secure.ScramSHA512, User: "bestow", Password: password}
	bearer := secure.Config{Mechanism: secure.OAuthBearer}
	for says, err := range map[string]error{
		"IdempotentWrite on the cluster":      c.Explain(sarama.ErrClusterAuthorizationFailed),
		"KAFKA_SASL_PASSWORD_FILE":            c.Explain(sarama.ErrSASLAuthenticationFailed),
		"KAFKA_SASL_TOKEN_FILE":               bearer.Explain(sarama.ErrSASLAuthenticationFailed),
		"unset the KAFKA_SASL_ settings":      c.Explain(sarama.ErrIllegalSASLState),
		"offer KAFKA_SASL_MECHANISM=OAUTHBEA": bearer.Explain(sarama.ErrUnsupportedSASLMechanism),
	} {
		require.ErrorContains(t, err, says)
		require.True(t, secure.Refused(fmt.Errorf("publish: %w", err)))
	}
	for _, err := range []error{nil, io.EOF, sarama.ErrNotLeaderForPartition, sarama.ErrOutOfBrokers} {
		require.Equal(t, err, c.Explain(err))
		require.False(t, secure.Refused(err))
	}
}

// A secret is shown by no verb, no log and no JSON, and neither is the configuration that holds it.
func TestSecretIsHidden(t *testing.T) {
	t.Parallel()
	c := secure.Config{Mechanism: secure.Plain, User: "bestow", Password: password}
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "%v %+v %#v %s %q", c, c, c, c, c.Password)
	fmt.Fprintf(&shown, "%v %+v %#v", &c, struct{ Of secure.Config }{c}, c.Password)
	body, err := json.Marshal(struct{ Password secure.Secret }{password})
	require.NoError(t, err)
	shown.Write(body)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("text", "kafka", c, "password", c.Password)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("json", "password", c.Password)
	require.NotContains(t, shown.String(), password)
	require.Equal(t, "plain text, PLAIN", c.String())
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	require.Equal(t, "TLS, PLAIN", c.String())
}
