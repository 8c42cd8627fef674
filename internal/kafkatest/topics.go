package kafkatest

import (
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// patience bounds the time of a broker for one request.
const patience = 30 * time.Second

// Message is a record in the broker.
type Message struct {
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   map[string]string
}

// config is a client that loses nothing and sees everything: acks from all, oldest first.
func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.ClientID = "kafkatest"
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Return.Errors = true
	c.Consumer.MaxWaitTime = 10 * time.Millisecond // a consumer ends after the fetch that it waits for
	return c
}

func newClient(tb testing.TB, brokers []string) sarama.Client {
	tb.Helper()
	client, err := sarama.NewClient(brokers, config())
	require.NoError(tb, err, "reach kafka at %v", brokers)
	return client
}

// withClient closes what it opens before it returns: no goroutine of it is left to the test.
func withClient(tb testing.TB, brokers []string, f func(sarama.Client)) {
	tb.Helper()
	client := newClient(tb, brokers)
	defer func() { require.NoError(tb, client.Close()) }()
	f(client)
}

func withAdmin(tb testing.TB, brokers []string, f func(sarama.ClusterAdmin)) {
	tb.Helper()
	admin, err := sarama.NewClusterAdmin(brokers, config())
	require.NoError(tb, err, "reach kafka at %v", brokers)
	defer func() { require.NoError(tb, admin.Close()) }()
	f(admin)
}

// CreateTopic makes a topic with the broker's own replication, and waits until every partition answers: a real broker
// names a partition's leader before the leader knows.
func CreateTopic(tb testing.TB, brokers []string, topic string, partitions int32) {
	tb.Helper()
	CreateTopicWith(tb, brokers, topic, partitions, nil)
}

// CreateTopicWith makes a topic with settings of its own.
func CreateTopicWith(tb testing.TB, brokers []string, topic string, partitions int32, settings map[string]string) {
	tb.Helper()
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		detail := &sarama.TopicDetail{
			NumPartitions: partitions, ReplicationFactor: -1,
			ConfigEntries: map[string]*string{},
		}
		for name, value := range settings {
			detail.ConfigEntries[name] = &value
		}
		// A topic that was just deleted may still be there for a moment.
		require.Eventually(tb, func() bool { return admin.CreateTopic(topic, detail, false) == nil }, patience,
			100*time.Millisecond, "create topic %s", topic)
	})
	untilItAnswers(tb, brokers, topic, partitions)
}

// Set changes settings of a topic.
func Set(tb testing.TB, brokers []string, topic string, settings map[string]string) {
	tb.Helper()
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		entries := map[string]sarama.IncrementalAlterConfigsEntry{}
		for name, value := range settings {
			entries[name] = sarama.IncrementalAlterConfigsEntry{
				Operation: sarama.IncrementalAlterConfigsOperationSet,
				Value:     &value,
			}
		}
		require.NoError(tb, admin.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false),
			"set %v of topic %s", settings, topic)
	})
}

// Grow gives a topic more partitions, and waits until every partition answers.
func Grow(tb testing.TB, brokers []string, topic string, partitions int32) {
	tb.Helper()
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		require.NoError(tb, admin.CreatePartitions(topic, partitions, nil, false), "grow topic %s", topic)
	})
	untilItAnswers(tb, brokers, topic, partitions)
}

// DeleteTopic deletes a topic with all that it holds.
func DeleteTopic(tb testing.TB, brokers []string, topic string) {
	tb.Helper()
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		require.NoError(tb, admin.DeleteTopic(topic), "delete topic %s", topic)
	})
}

func untilItAnswers(tb testing.TB, brokers []string, topic string, partitions int32) {
	tb.Helper()
	withClient(tb, brokers, func(client sarama.Client) {
		require.Eventually(tb, func() bool {
			return client.RefreshMetadata(topic) == nil && answers(client, topic, partitions)
		},
			patience, 10*time.Millisecond, "topic %s has no leaders", topic)
	})
}

func answers(client sarama.Client, topic string, partitions int32) bool {
	for p := range partitions {
		if _, err := client.GetOffset(topic, p, sarama.OffsetNewest); err != nil {
			return false
		}
	}
	return true
}

func deleteTopics(tb testing.TB, brokers []string, prefix string) {
	tb.Helper()
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		topics, err := admin.ListTopics()
		require.NoError(tb, err)
		for topic := range topics {
			if strings.HasPrefix(topic, prefix) {
				require.NoError(tb, admin.DeleteTopic(topic), "delete topic %s", topic)
			}
		}
	})
}

// Partitions returns how many partitions a topic has, 0 if there is no such topic.
func Partitions(tb testing.TB, brokers []string, topic string) int32 {
	tb.Helper()
	var n int32
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		topics, err := admin.ListTopics()
		require.NoError(tb, err)
		n = topics[topic].NumPartitions
	})
	return n
}

// EndOffsets returns, for each partition of a topic, the offset that its next message will have.
func EndOffsets(tb testing.TB, brokers []string, topic string) map[int32]int64 {
	tb.Helper()
	return offsets(tb, brokers, topic, sarama.OffsetNewest)
}

// StartOffsets returns, for each partition of a topic, the offset of the oldest message that is left.
func StartOffsets(tb testing.TB, brokers []string, topic string) map[int32]int64 {
	tb.Helper()
	return offsets(tb, brokers, topic, sarama.OffsetOldest)
}

func offsets(tb testing.TB, brokers []string, topic string, at int64) map[int32]int64 {
	tb.Helper()
	found := map[int32]int64{}
	withClient(tb, brokers, func(client sarama.Client) {
		partitions, err := client.Partitions(topic)
		require.NoError(tb, err, "list partitions of %s", topic)
		for _, p := range partitions {
			found[p], err = client.GetOffset(topic, p, at)
			require.NoError(tb, err, "read offset of %s/%d", topic, p)
		}
	})
	return found
}

// Produce writes one message with any bytes and without a key, and returns its offset.
func Produce(tb testing.TB, brokers []string, topic string, partition int32, value []byte) int64 {
	tb.Helper()
	return Send(tb, brokers, topic, Message{Partition: partition, Value: value})
}

// Send writes messages, each to its partition with its key and headers, and returns the last one's offset. What
// m.Offset says is not looked at.
func Send(tb testing.TB, brokers []string, topic string, messages ...Message) int64 {
	tb.Helper()
	producer, err := sarama.NewSyncProducer(brokers, config())
	require.NoError(tb, err, "reach kafka at %v", brokers)
	defer func() { require.NoError(tb, producer.Close()) }()
	offset := int64(-1)
	for _, m := range messages {
		out := &sarama.ProducerMessage{Topic: topic, Partition: m.Partition, Value: sarama.ByteEncoder(m.Value)}
		if m.Key != nil {
			out.Key = sarama.ByteEncoder(m.Key)
		}
		for name, value := range m.Headers {
			out.Headers = append(out.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
		}
		_, offset, err = producer.SendMessage(out)
		require.NoError(tb, err, "produce to %s/%d", topic, m.Partition)
	}
	return offset
}

// DeleteRecords deletes a partition's messages whose offset is below before, as retention would.
func DeleteRecords(tb testing.TB, brokers []string, topic string, partition int32, before int64) {
	tb.Helper()
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		require.NoError(tb, admin.DeleteRecords(topic, map[int32]int64{partition: before}), "delete records of %s/%d",
			topic, partition)
	})
}

// Messages returns all that a topic holds at the moment of the call, partition by partition in the order of offsets.
func Messages(tb testing.TB, brokers []string, topic string) []Message {
	tb.Helper()
	starts, ends := StartOffsets(tb, brokers, topic), EndOffsets(tb, brokers, topic)
	var all []Message
	withClient(tb, brokers, func(client sarama.Client) {
		consumer, err := sarama.NewConsumerFromClient(client)
		require.NoError(tb, err)
		defer func() { require.NoError(tb, consumer.Close()) }()
		for p := int32(0); int(p) < len(ends); p++ {
			if starts[p] < ends[p] {
				all = append(all, read(tb, consumer, topic, p, starts[p], ends[p])...)
			}
		}
	})
	return all
}

func read(tb testing.TB, consumer sarama.Consumer, topic string, partition int32, from, to int64) []Message {
	tb.Helper()
	pc, err := consumer.ConsumePartition(topic, partition, from)
	require.NoError(tb, err, "consume %s/%d", topic, partition)
	defer func() { require.NoError(tb, pc.Close()) }()
	var all []Message
	late := time.After(patience)
	for {
		select {
		case m := <-pc.Messages():
			all = append(all, message(m))
			if m.Offset >= to-1 {
				return all
			}
		case err := <-pc.Errors():
			require.NoError(tb, err, "consume %s/%d", topic, partition)
		case <-late:
			require.FailNow(tb, "messages do not come", "%s/%d: %d of %d..%d", topic, partition, len(all), from, to)
		}
	}
}

func message(m *sarama.ConsumerMessage) Message {
	headers := make(map[string]string, len(m.Headers))
	for _, h := range m.Headers {
		headers[string(h.Key)] = string(h.Value)
	}
	return Message{Partition: m.Partition, Offset: m.Offset, Key: m.Key, Value: m.Value, Headers: headers}
}

// Committed returns where a group goes on in each partition of the topic, -1 where it has committed nothing.
func Committed(tb testing.TB, brokers []string, group, topic string) map[int32]int64 {
	tb.Helper()
	committed := map[int32]int64{}
	n := Partitions(tb, brokers, topic)
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		all := make([]int32, n)
		for i := range all {
			all[i] = int32(i)
		}
		answer, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: all})
		require.NoError(tb, err)
		for _, partition := range all {
			committed[partition] = answer.GetBlock(topic, partition).Offset
		}
	})
	return committed
}

// Commit sets where a group without members goes on in the topic's partitions.
func Commit(tb testing.TB, brokers []string, group, topic string, offsets map[int32]int64) {
	tb.Helper()
	to := map[int32]sarama.OffsetAndMetadata{}
	for p, offset := range offsets {
		to[p] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
	}
	withAdmin(tb, brokers, func(admin sarama.ClusterAdmin) {
		resp, err := admin.AlterConsumerGroupOffsets(group,
			map[string]map[int32]sarama.OffsetAndMetadata{topic: to}, nil)
		require.NoError(tb, err)
		for p := range offsets {
			require.Equal(tb, sarama.ErrNoError, resp.Errors[topic][p])
		}
	})
}
