package main

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// C20: a hang-up ends the process in order, as SIGTERM does, unless the tests themselves run under nohup.
func TestC20Endings(t *testing.T) {
	t.Parallel()
	require.Contains(t, endings(), syscall.SIGTERM)
	require.Equal(t, !signal.Ignored(syscall.SIGHUP), slices.Contains(endings(), os.Signal(syscall.SIGHUP)))
}
