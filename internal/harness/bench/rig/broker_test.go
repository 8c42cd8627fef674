package rig

import (
	"testing"
	"time"

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
