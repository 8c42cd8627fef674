package rig

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bestow/cmd/bestow/daemon"
	"bestow/internal/embedkafka"
	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, kafkatest.Leaks()...) }

// What a delayed broker answers comes later to a client that asks the address that it advertises.
func TestDelayedBroker(t *testing.T) {
	t.Parallel()
	const delay = 40 * time.Millisecond
	var options embedkafka.Options
	proxy, err := delayed(t.Context(), &options, delay)
	require.NoError(t, err)
	t.Cleanup(proxy.Stop)
	s, err := embedkafka.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.NotEqual(t, options.Addr, s.Brokers[0])
	kafkatest.CreateTopic(t, s.Brokers, "t", 1)
	began := time.Now()
	kafkatest.Produce(t, s.Brokers, "t", 0, []byte("v"))
	require.Greater(t, time.Since(began), delay)
}

// A broker that hangs before it names its address is killed in time, and its data are removed.
func TestBrokerThatHangs(t *testing.T) {
	t.Parallel()
	program, dir := filepath.Join(t.TempDir(), "hangs"), filepath.Join(t.TempDir(), "kafka")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nmkdir $2\nexec sleep 600\n"), 0o700))
	_, err := startBroker(t.Context(), program, dir, 0, time.Second)
	require.EqualError(t, err, "start broker: it named no address within 1s")
	require.NoDirExists(t, dir)
}

// A process of the product that ends before it is ready is told at once, and is not waited for twice.
func TestProcessThatEndsEarly(t *testing.T) {
	t.Parallel()
	ps := &processes{list: make([]*daemon.Process, 2), cancel: func() {}, ran: make(chan error, 2)}
	require.NoError(t, ps.early())
	died := errors.New("no table")
	ps.ran <- died
	require.ErrorIs(t, ps.early(), died)
	require.ErrorIs(t, ps.early(), died, "it is told until the product is stopped")
	ps.ran <- nil
	require.ErrorIs(t, ps.wait(), died)
}
