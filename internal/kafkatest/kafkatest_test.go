package kafkatest_test

import (
	"testing"

	"bestow/internal/kafkatest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, kafkatest.Leaks()...) }

// Two tests with the same topic name do not see each other's messages, and each sees all of its own.
func TestTopics(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			brokers, topic := kafkatest.Brokers(t), kafkatest.Prefix(t)+".point"
			require.Zero(t, kafkatest.Partitions(t, brokers, topic))
			kafkatest.CreateTopic(t, brokers, topic, 3)
			require.EqualValues(t, 3, kafkatest.Partitions(t, brokers, topic))
			require.Empty(t, kafkatest.Messages(t, brokers, topic))

			require.EqualValues(t, 0, kafkatest.Produce(t, brokers, topic, 2, []byte(name)))
			sent := kafkatest.Message{
				Partition: 0, Key: []byte("k"), Value: []byte{0xff},
				Headers: map[string]string{"h": "v"},
			}
			require.EqualValues(t, 1, kafkatest.Send(t, brokers, topic, sent, sent))
			require.Equal(t, map[int32]int64{0: 2, 1: 0, 2: 1}, kafkatest.EndOffsets(t, brokers, topic))

			again := sent
			again.Offset = 1
			last := kafkatest.Message{Partition: 2, Value: []byte(name), Headers: map[string]string{}}
			require.Equal(t, []kafkatest.Message{sent, again, last}, kafkatest.Messages(t, brokers, topic))

			kafkatest.DeleteRecords(t, brokers, topic, 0, 1)
			require.Equal(t, map[int32]int64{0: 1, 1: 0, 2: 0}, kafkatest.StartOffsets(t, brokers, topic))
			require.Equal(t, []kafkatest.Message{again, last}, kafkatest.Messages(t, brokers, topic))
		})
	}
}

// A prefix is a legal topic name, whatever the test's name, and never the same twice.
func TestPrefix(t *testing.T) {
	t.Parallel()
	t.Run("한글 / and_a very long name, which goes on until nobody reads it any more", func(t *testing.T) {
		t.Parallel()
		one, two := kafkatest.Prefix(t), kafkatest.Prefix(t)
		require.NotEqual(t, one, two)
		require.Regexp(t, `^[a-zA-Z0-9-]{1,80}$`, one)
	})
}
