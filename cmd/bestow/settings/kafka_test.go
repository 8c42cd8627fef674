package settings

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bestow/internal/certtest"

	"github.com/stretchr/testify/require"
)

// kept writes a file of the test.
func kept(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// What is half set, without effect or wrong is refused by name, and no value is repeated.
func TestKafkaHalfSet(t *testing.T) {
	t.Parallel()
	whole := Config{
		Brokers: []string{"kafka:9093"}, KafkaTLS: "on", KafkaMechanism: "SCRAM-SHA-512", KafkaUser: "bestow",
		KafkaPassword: "s3cret", KafkaCAFile: "s3cret", KafkaCertFile: "s3cret", KafkaKeyFile: "s3cret",
	}
	require.NoError(t, whole.checkKafka())
	require.NoError(t, Config{}.checkKafka())
	require.NoError(t, Config{Brokers: whole.Brokers, Env: "production"}.checkKafka())
	for says, change := range map[string]func(c *Config){
		"KAFKA_BROKERS is not set: without it KAFKA_TLS": func(c *Config) { c.Brokers = nil },
		"KAFKA_TLS must be on or off":                    func(c *Config) { c.KafkaTLS = "s3cret" },
		"KAFKA_CA_FILE has no effect without TLS":        func(c *Config) { c.KafkaTLS = "off" },
		"KAFKA_CERT_FILE has no effect without TLS":      func(c *Config) { c.KafkaTLS, c.KafkaCAFile = "", "" },
		"KAFKA_SERVER_NAME has no effect without TLS": func(c *Config) {
			c.KafkaTLS, c.KafkaCAFile, c.KafkaCertFile, c.KafkaKeyFile = "", "", "", ""
			c.KafkaServerName = "s3cret"
		},
		"KAFKA_CERT_FILE and KAFKA_KEY_FILE need each other": func(c *Config) { c.KafkaKeyFile = "" },
		"KAFKA_SASL_MECHANISM must be one of PLAIN, SCRAM":   func(c *Config) { c.KafkaMechanism = "s3cret" },
		"KAFKA_SASL_MECHANISM is not set":                    func(c *Config) { c.KafkaMechanism = "" },
		"KAFKA_SASL_USER is not set":                         func(c *Config) { c.KafkaUser = "" },
		"KAFKA_SASL_PASSWORD_FILE is not set":                func(c *Config) { c.KafkaPassword = "" },
		"KAFKA_SASL_TOKEN_FILE has no effect":                func(c *Config) { c.KafkaToken = "s3cret" },
		"KAFKA_SASL_USER and KAFKA_SASL_PASSWORD_FILE have": func(c *Config) {
			c.KafkaMechanism, c.KafkaToken = "OAUTHBEARER", "s3cret"
		},
		"KAFKA_SASL_TOKEN_FILE is not set": func(c *Config) {
			c.KafkaMechanism, c.KafkaUser, c.KafkaPassword = "OAUTHBEARER", "", ""
		},
		"KAFKA_TLS is not set: production": func(c *Config) {
			*c = Config{
				Env: "production", Brokers: c.Brokers, KafkaMechanism: "PLAIN", KafkaUser: "bestow", KafkaPassword: "s3cret",
			}
		},
	} {
		c := whole
		change(&c)
		err := c.checkKafka()
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "s3cret")
	}
	plain := Config{
		Env: "production", Brokers: whole.Brokers, KafkaTLS: "off", KafkaMechanism: "PLAIN", KafkaUser: "bestow",
		KafkaPassword: "s3cret",
	}
	require.NoError(t, plain.checkKafka(), "plain text was asked for by name")
}

// The files are read at the start, and one that holds something else is named by its setting.
func TestKafkaFiles(t *testing.T) {
	t.Parallel()
	a := certtest.New(t)
	own := a.Issue("bestow", time.Now().Add(time.Hour))
	c := Config{
		KafkaTLS: "on", KafkaCAFile: a.File, KafkaCertFile: own.CertFile, KafkaKeyFile: own.KeyFile,
		KafkaServerName: "kafka.example.com", KafkaMechanism: "PLAIN", KafkaUser: "bestow",
		KafkaPassword: kept(t, " s3cret \r\n"),
	}
	require.NoError(t, c.readKafka())
	s := c.Kafka().Security
	require.Equal(t, " s3cret ", string(s.Password), "only the end of the line is cut")
	require.Equal(t, []string{"PLAIN", "bestow", "kafka.example.com"}, []string{s.Mechanism, s.User, s.TLS.ServerName})
	require.GreaterOrEqual(t, s.TLS.MinVersion, uint16(tls.VersionTLS12))
	require.True(t, s.TLS.RootCAs.Equal(a.Pool()))
	for says, change := range map[string]func(c *Config){
		"read KAFKA_CA_FILE: open the file":            func(c *Config) { c.KafkaCAFile = "/s3cret" },
		"KAFKA_CA_FILE names a file without a cert":    func(c *Config) { c.KafkaCAFile = c.KafkaPassword },
		"read KAFKA_CERT_FILE: open":                   func(c *Config) { c.KafkaCertFile = "/s3cret" },
		"read KAFKA_KEY_FILE: open":                    func(c *Config) { c.KafkaKeyFile = "/s3cret" },
		"read KAFKA_CERT_FILE and KAFKA_KEY_FILE: tls": func(c *Config) { c.KafkaKeyFile = a.Server().KeyFile },
		"read KAFKA_SASL_PASSWORD_FILE: open":          func(c *Config) { c.KafkaPassword = "/s3cret" },
		"KAFKA_SASL_PASSWORD_FILE names a file withou": func(c *Config) { c.KafkaPassword = kept(t, "\n") },
		"read KAFKA_SASL_TOKEN_FILE: open":             func(c *Config) { c.KafkaToken = "/s3cret" },
		"KAFKA_SASL_TOKEN_FILE names a file without":   func(c *Config) { c.KafkaToken = kept(t, "two s3cret\n") },
		"the file has more than 65536 bytes":           func(c *Config) { c.KafkaToken = kept(t, strings.Repeat("s3cret", 20_000)) },
	} {
		bad := c
		change(&bad)
		err := bad.readKafka()
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// A certificate and a token that were renewed are used by the next connection; while the files are half replaced, the
// certificate before is.
func TestKafkaFilesAreRenewed(t *testing.T) {
	t.Parallel()
	a := certtest.New(t)
	first, second := a.Issue("first", time.Now().Add(time.Hour)), a.Issue("second", time.Now().Add(time.Hour))
	c := Config{
		KafkaTLS: "on", KafkaCertFile: first.CertFile, KafkaKeyFile: first.KeyFile, KafkaMechanism: "OAUTHBEARER",
		KafkaToken: kept(t, "first\n"),
	}
	require.NoError(t, c.readKafka())
	shown := func() []byte {
		pair, err := c.KafkaSecurity.TLS.GetClientCertificate(nil)
		require.NoError(t, err)
		return pair.Certificate[0]
	}
	replace := func(path, by string) {
		body, err := os.ReadFile(by)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, body, 0o600))
	}
	require.Equal(t, first.TLS.Certificate[0], shown())
	before := shown()
	replace(first.CertFile, second.CertFile)
	require.Equal(t, before, shown(), "its key is not there yet")
	replace(first.KeyFile, second.KeyFile)
	require.Equal(t, second.TLS.Certificate[0], shown())

	require.NoError(t, os.WriteFile(c.KafkaToken, []byte("second\n"), 0o600))
	token, err := c.KafkaSecurity.Token()
	require.NoError(t, err)
	require.Equal(t, "second", string(token))
}
