package main

import (
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A wrong command line starts nothing.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run(t.Context(), []string{"-brokers", "2"}, io.Discard), "it must be 1 or 3")
	require.Error(t, run(t.Context(), []string{"-nothing"}, io.Discard))
}

// A command has the brokers' addresses, and its exit code is ours.
func TestCommand(t *testing.T) {
	t.Parallel()
	require.NoError(t, command(t.Context(),
		[]string{"sh", "-c", `test "$BESTOW_TEST_KAFKA_BROKERS,$KAFKA_BROKERS" = a:1,b:2,a:1,b:2`}, "a:1,b:2"))
	err := command(t.Context(), []string{"sh", "-c", "exit 3"}, "a:1")
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended)
	require.Equal(t, 3, ended.ExitCode())
}
