package main

import (
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
)

// A misspelt setting stops the start and is told the nearest known one; one that this version does not know is not passed
// over in silence.
func TestUnknownSettings(t *testing.T) {
	t.Parallel()
	require.NoError(t, unknownSettings([]string{"BESTOW_ADDR=x", "DATABASE_URL=y", "BESTOW_URL=z", "BESTOW_TEST_FETCH=1", "PATH=/bin"}))
	err := unknownSettings([]string{"BESTOW_RETRY_LIMITS=3"})
	require.ErrorContains(t, err, "BESTOW_RETRY_LIMITS is no setting: did you mean BESTOW_RETRY_LIMIT?")
	require.ErrorContains(t, unknownSettings([]string{"KAFKA_TLS=true"}), "KAFKA_TLS is not supported in this version")
}

// A value that cannot be read is told by its setting's name and with an example; a name that is near to none gets no guess.
func TestUnreadableSettings(t *testing.T) {
	t.Parallel()
	_, err := env.ParseAsWithOptions[config](env.Options{Environment: map[string]string{"BESTOW_RETRY_BACKOFF": "5", "BESTOW_RETRY_LIMIT": "many"}})
	require.ErrorContains(t, unreadable(err), "BESTOW_RETRY_BACKOFF is \"\": it must be a duration with its unit, such as 5s or 1m")
	require.ErrorContains(t, unreadable(err), "BESTOW_RETRY_LIMIT is \"\": it must be a whole number")
	require.ErrorContains(t, unknownSettings([]string{"BESTOW_FOO=1"}), "`bestow serve --help` lists all")
}

// All settings that are wrong are named at once.
func TestValidateNamesEverything(t *testing.T) {
	t.Parallel()
	err := config{Env: "staging", TimeZone: "Nowhere", MessageTargets: 9000, RelayChunks: 1, RetryBackoff: 1, Partitions: 1, MaxConns: 3}.validate()
	for _, name := range []string{"BESTOW_ENV", "BESTOW_TIME_ZONE", "BESTOW_MESSAGE_TARGETS", "BESTOW_DB_MAX_CONNS"} {
		require.ErrorContains(t, err, name)
	}
	require.ErrorContains(t, config{Env: "production", TimeZone: "Asia/Seoul", MessageTargets: 1, RelayChunks: 1, RetryBackoff: 1, Partitions: 1, MaxConns: 6}.validate(), "BESTOW_MASTER_KEY")
}
