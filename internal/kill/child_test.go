package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shell is a program that runs a script.
func shell(t *testing.T, speaks bool, script string) program {
	t.Helper()
	return program{
		name: "sh", args: []string{"/bin/sh", "-c", script}, env: []string{"PATH=/usr/bin:/bin"},
		log: filepath.Join(t.TempDir(), "sh.log"), speaks: speaks,
	}
}

// A child that speaks is there when it has said its line; killed by us, it has not ended by itself.
func TestChildSpeaksAndIsKilled(t *testing.T) {
	t.Parallel()
	p := shell(t, true, "echo trouble >&2; echo here I am; exec sleep 600")
	c, err := p.start(t.Context())
	require.NoError(t, err)
	require.Equal(t, "here I am", c.said)
	require.NoError(t, c.ended())
	c.kill()
	require.NoError(t, c.ended())
	require.ErrorContains(t, c.err, "killed")

	again, err := p.start(t.Context())
	require.NoError(t, err)
	again.stop()
	log, err := os.ReadFile(p.log)
	require.NoError(t, err)
	require.Equal(t, "trouble\ntrouble\n", string(log), "both runs are in the log")
}

// A child that nobody killed has ended by itself, whatever its exit code.
func TestChildEndsByItself(t *testing.T) {
	t.Parallel()
	c, err := shell(t, false, "exit 0").start(t.Context())
	require.NoError(t, err)
	<-c.done
	require.ErrorContains(t, c.ended(), "sh ended by itself")
}

// A server that ends before its line, or is not there, is an error at the start.
func TestChildDoesNotStart(t *testing.T) {
	t.Parallel()
	_, err := shell(t, true, "exit 3").start(t.Context())
	require.ErrorContains(t, err, "exit status 3")
	missing := shell(t, false, "")
	missing.args = []string{"/nowhere"}
	_, err = missing.start(t.Context())
	require.ErrorContains(t, err, "start sh")
}

// Who waits for the line of a child can be interrupted.
func TestChildStartInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := shell(t, true, "exec sleep 600").start(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
