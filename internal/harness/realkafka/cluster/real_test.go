//go:build realkafka

package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"bestow/internal/harness/realkafka/cluster"
	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
)

const (
	patience = time.Minute
	pause    = 100 * time.Millisecond
)

// What three brokers have acknowledged is there after each of them was killed in turn, and one that is dead stops
// nobody.
func TestThreeBrokersAreKilled(t *testing.T) {
	t.Parallel()
	c, err := cluster.Start(t.Context(), cluster.Options{Brokers: 3})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	const topic = "kept"
	kafkatest.CreateTopic(t, c.Brokers(), topic, 1)
	var want, got []string
	send := func(text string) {
		want = append(want, text)
		kafkatest.Produce(t, c.Brokers(), topic, 0, []byte(text))
	}
	for round := range 3 {
		send(fmt.Sprint("before ", round))
		leader, err := c.Leader(t.Context(), topic, 0)
		require.NoError(t, err)
		require.NoError(t, c.KillBroker(leader))
		require.NoError(t, c.Ended(), "killed on purpose")
		require.Eventually(t, func() bool {
			now, err := c.Leader(t.Context(), topic, 0)
			return err == nil && now != leader
		}, patience, pause, "another broker leads")
		send(fmt.Sprint("meanwhile ", round))
		require.NoError(t, c.StartBroker(t.Context(), leader))
		require.NoError(t, c.InSync(t.Context()))
	}
	for _, m := range kafkatest.Messages(t, c.Brokers(), topic) {
		got = append(got, string(m.Value))
	}
	require.Equal(t, want, got)
	require.Error(t, c.KillBroker(4))
}

// A folder of one's own is found again with what it held.
func TestFolderIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 2 {
		c, err := cluster.Start(t.Context(), cluster.Options{Brokers: 1, Dir: dir})
		require.NoError(t, err)
		if round == 0 {
			kafkatest.CreateTopic(t, c.Brokers(), "kept", 1)
			kafkatest.Produce(t, c.Brokers(), "kept", 0, []byte("before"))
		}
		require.Len(t, kafkatest.Messages(t, c.Brokers(), "kept"), 1)
		require.NoError(t, c.Close())
	}
}
