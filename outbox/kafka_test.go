package outbox

import (
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/outbox/secure"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"
)

// An update of a library may bring an unsafe default back: then no process starts.
func TestUnsafeKafkaSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, unsafe := range map[string]func(*sarama.Config){
		"acks of the leader":     func(c *sarama.Config) { c.Producer.RequiredAcks = sarama.WaitForLocal },
		"records written twice":  func(c *sarama.Config) { c.Producer.Idempotent = false },
		"records out of order":   func(c *sarama.Config) { c.Net.MaxOpenRequests = 2 },
		"from the newest on":     func(c *sarama.Config) { c.Consumer.Offsets.Initial = sarama.OffsetNewest },
		"a topic that was reset": func(c *sarama.Config) { c.Consumer.Group.ResetInvalidOffsets = false },
	} {
		c, err := saramaConfig(secure.Config{})
		require.NoError(t, err)
		unsafe(c)
		require.Error(t, assertSafe(c), name)
	}
	c, err := saramaConfig(secure.Config{})
	require.NoError(t, err)
	require.False(t, c.Metadata.AllowAutoTopicCreation, "CheckTopics makes topics, with our partitions")
}

// A publish cannot be cancelled, so its time-outs must end it before River gives its job to another relay.
func TestPublishEndsBeforeItsJob(t *testing.T) {
	t.Parallel()
	c, err := saramaConfig(secure.Config{})
	require.NoError(t, err)
	tries := time.Duration(c.Producer.Retry.Max + 1)
	const job = 20 * time.Second // jobs.jobTimeout
	require.Less(t, publishBudget+tries*(c.Producer.Timeout+c.Producer.Retry.Backoff)+markBudget, job+2*time.Second)
	require.Less(t, tries*(c.Producer.Timeout+c.Producer.Retry.Backoff), job)
}

// The partitions of an event are spread over those of the topic, one after another.
func TestPartitionOf(t *testing.T) {
	t.Parallel()
	d := kafkaDesk(t, func(c *KafkaConfig) { c.Partitions = 4 })
	require.NoError(t, d.kafka.CheckTopics([]domain.EventType{point}))
	for event, want := range map[int64][]int32{1: {1, 2, 3, 0, 1}, 4: {0, 1, 2, 3, 0}} {
		for key, partition := range want {
			got, err := d.kafka.partitionOf(d.kafka.Topic(point), domain.Chunk{EventID: event, PartitionKey: key})
			require.NoError(t, err)
			require.Equal(t, partition, got)
		}
	}
	_, err := d.kafka.partitionOf("of-no-type", domain.Chunk{})
	require.ErrorIs(t, err, sarama.ErrUnknownTopicOrPartition)
}

// The marshaler keeps what is ours of the headers, and nothing on the way in is an error.
func TestMarshaler(t *testing.T) {
	t.Parallel()
	m := message.NewMessage("1", []byte("body"))
	_, err := marshaler{}.Marshal("t", m)
	require.Error(t, err, "a message without a partition is not spread by chance")
	m.Metadata.Set(partitionHeader, "3")
	m.Metadata.Set(replayHeader, "7.8")
	out, err := marshaler{}.Marshal("t", m)
	require.NoError(t, err)
	require.Equal(t, int32(3), out.Partition)
	require.Nil(t, out.Key)
	in := &sarama.ConsumerMessage{Topic: "t", Partition: 3, Offset: 9, Value: []byte("body")}
	for _, h := range out.Headers {
		in.Headers = append(in.Headers, &h)
	}
	back, err := marshaler{}.Unmarshal(in)
	require.NoError(t, err)
	require.Equal(t, "t/3/9", back.UUID)
	require.Equal(t, "body", string(back.Payload))
	require.Equal(t, message.Metadata{replayHeader: "7.8"}, back.Metadata)
}

// A process finds its brokers, and says which it did not reach.
func TestConnect(t *testing.T) {
	t.Parallel()
	d := kafkaDesk(t, asSet)
	require.NoError(t, d.kafka.Ping(t.Context()))
	id, err := d.kafka.ClusterID()
	require.NoError(t, err)
	require.NotEmpty(t, id)
	consumers, err := d.kafka.Consumers()
	require.NoError(t, err)
	require.Empty(t, consumers, "this process reads no topic")
	_, err = NewKafka(KafkaConfig{Brokers: []string{"127.0.0.1:1"}})
	require.ErrorContains(t, err, "127.0.0.1:1")
}

// Consumers tells who takes the messages of the topics that this process reads.
func TestConsumerTellsWhatItTakes(t *testing.T) {
	t.Parallel()
	c := Consumer{Group: "g", Client: "sarama", Host: "/10.0.0.1", Partitions: []int32{0, 3}}
	require.Contains(t, c.String(), "client sarama on /10.0.0.1")
	require.Contains(t, c.String(), "takes the partitions 0, 3: end it")
}

// An installation from before there were ids goes on where its group stood, once. A new one begins with the oldest message.
func TestInherit(t *testing.T) {
	t.Parallel()
	for name, upgraded := range map[string]bool{"upgraded": true, "new": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := kafkaDesk(t, func(c *KafkaConfig) { c.Installation.UnnamedAreOurs = upgraded })
			topic := d.kafka.Topic(point)
			require.NoError(t, d.kafka.inherit(topic), "a topic that is yet to be made")
			require.NoError(t, d.kafka.CheckTopics([]domain.EventType{point}))
			admin, err := sarama.NewClusterAdminFromClient(d.kafka.client)
			require.NoError(t, err)
			stands := func() map[int32]int64 {
				offsets, err := groupOffsets(admin, d.kafka.group(topic), topic, []int32{0, 1})
				require.NoError(t, err)
				return offsets
			}
			require.NoError(t, d.kafka.inherit(topic))
			require.Empty(t, stands(), "there was no group before")
			for range 3 {
				kafkatest.Produce(t, d.brokers, topic, 0, []byte("x"))
			}
			kafkatest.Commit(t, d.brokers, unnamedGroup(topic), topic, map[int32]int64{0: 2})
			require.NoError(t, d.kafka.inherit(topic))
			if !upgraded {
				require.Empty(t, stands())
				return
			}
			require.Equal(t, map[int32]int64{0: 2}, stands())
			kafkatest.Commit(t, d.brokers, unnamedGroup(topic), topic, map[int32]int64{0: 3})
			require.NoError(t, d.kafka.inherit(topic))
			require.Equal(t, map[int32]int64{0: 2}, stands(), "once")
		})
	}
}
