package settings

import (
	"os"
	"path/filepath"
	"testing"

	"bestow/app"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
)

// A misspelt setting stops the start and is told the nearest known one; one that this version does not know is not
// passed over in silence.
func TestUnknownSettings(t *testing.T) {
	t.Parallel()
	require.NoError(t, unknownSettings([]string{
		"BESTOW_ADDR=x", "DATABASE_URL=y", "BESTOW_URL=z",
		"BESTOW_TEST_FETCH=1", "PATH=/bin",
	}))
	err := unknownSettings([]string{"BESTOW_RETRY_LIMITS=3"})
	require.ErrorContains(t, err, "BESTOW_RETRY_LIMITS is no setting: did you mean BESTOW_RETRY_LIMIT?")
	require.ErrorContains(t, unknownSettings([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=x"}), "is not supported in this version")
}

// A value that cannot be read is told by its setting's name and with an example; a name that is near to none gets no
// guess.
func TestUnreadableSettings(t *testing.T) {
	t.Parallel()
	_, err := env.ParseAsWithOptions[Config](
		env.Options{Environment: map[string]string{"BESTOW_RETRY_BACKOFF": "5", "BESTOW_RETRY_LIMIT": "many"}})
	require.ErrorContains(t, unreadable(err),
		"BESTOW_RETRY_BACKOFF is \"\": it must be a duration with its unit, such as 5s or 1m")
	require.ErrorContains(t, unreadable(err), "BESTOW_RETRY_LIMIT is \"\": it must be a whole number")
	require.ErrorContains(t, unknownSettings([]string{"BESTOW_FOO=1"}), "`bestow serve --help` lists all")
}

// The limits of the settings' defaults are the defaults of the use cases: the same number stands at two places.
func TestDefaultLimits(t *testing.T) {
	t.Parallel()
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: map[string]string{}})
	require.NoError(t, err)
	require.Equal(t, app.DefaultLimits(), c.Limits())
}

// All settings that are wrong are named at once.
func TestValidateNamesEverything(t *testing.T) {
	t.Parallel()
	err := Config{
		Env: "staging", TimeZone: "Nowhere", MessageTargets: 9000, RelayChunks: 1, RetryBackoff: 1,
		Partitions: 1, MaxConns: 3,
	}.validate()
	for _, name := range []string{"BESTOW_ENV", "BESTOW_TIME_ZONE", "BESTOW_MESSAGE_TARGETS", "BESTOW_DB_MAX_CONNS"} {
		require.ErrorContains(t, err, name)
	}
	require.ErrorContains(t, Config{TimeZone: "Local"}.validate(), "BESTOW_TIME_ZONE",
		"a machine's zone is no name that PostgreSQL knows")
	require.ErrorContains(t,
		Config{
			Env: "production", TimeZone: "Asia/Seoul", MessageTargets: 1, RelayChunks: 1, RetryBackoff: 1,
			Partitions: 1, MaxConns: 6,
		}.validate(), "BESTOW_MASTER_KEY")
}

// C19: nothing that looks like a setting of ours is passed over in silence.
func TestC19NothingIsIgnored(t *testing.T) {
	t.Parallel()
	for pair, says := range map[string]string{
		"KAFKA_SECURITY_PROTOCOL=SASL_SSL": "KAFKA_SECURITY_PROTOCOL is no setting",
		"KAFKA_SASL_JAAS_CONFIG=s3cret":    "did you mean KAFKA_SASL_",
		"KAFKA_BOOTSTRAP_SERVERS=k:9092":   "KAFKA_BOOTSTRAP_SERVERS is no setting",
		"KAFKA_BROKER=k:9092":              "did you mean KAFKA_BROKERS?",
		"KAFKA_SASL_PASSWORD=s3cret":       "did you mean KAFKA_SASL_PASSWORD_FILE?",
		"KAFKA_PORT_9092_TCP_ADDR=1":       "enableServiceLinks",
		"BESTOW_SERVICE_HOST=1":            "enableServiceLinks",
		"BESTOW_ADMIN_KEY_FILE=/k":         "BESTOW_ADMIN_KEY_FILE is not read: set BESTOW_ADMIN_KEY itself",
		"DATABASE_URL_FILE=/k":             "DATABASE_URL_FILE is not read: set DATABASE_URL itself",
		"KAFKA_BROKERS_FILE=/k":            "KAFKA_BROKERS_FILE is not read",
	} {
		err := unknownSettings([]string{pair})
		require.ErrorContains(t, err, says, pair)
		require.NotContains(t, err.Error(), "s3cret")
	}
	require.NoError(t, unknownSettings([]string{"KAFKA_BROKERS=k:9092", "BESTOW_MASTER_KEY_FILE=/k", "MY_KAFKA_X=1"}))
}

// C19: a setting and its file are not both taken, and a file without a key is no key.
func TestC19SecretAndFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(" \n"), 0o600))
	err := (&Config{MasterKey: "s3cret", MasterKeyFile: file}).readFiles()
	require.ErrorContains(t, err, "BESTOW_MASTER_KEY and BESTOW_MASTER_KEY_FILE are both set")
	require.NotContains(t, err.Error(), "s3cret")
	require.ErrorContains(t, (&Config{MasterKeyFile: file}).readFiles(), "without a key")
	require.NoError(t, os.WriteFile(file, []byte("key\n"), 0o600))
	c := Config{MasterKeyFile: file}
	require.NoError(t, c.readFiles())
	require.Equal(t, "key", c.MasterKey)
}

// C19: a broker that is no host:port is not repeated.
func TestC19Brokers(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkBrokers([]string{"kafka:9092", "[::1]:9092", "10.0.0.1:1"}))
	for _, bad := range []string{
		"kafka", "u:s3cret@kafka:9092", "SASL_SSL://kafka:9092", "kafka:0", "kafka:x",
		":9092", "",
	} {
		err := checkBrokers([]string{"k:1", bad})
		require.ErrorContains(t, err, "entry 2 is not host:port", bad)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
