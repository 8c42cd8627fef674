package outbox

import (
	"context"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/internal/logtest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// kafkaDesk is a desk with a Kafka that has no topics yet.
func kafkaDesk(t *testing.T, change func(*KafkaConfig)) *desk {
	t.Helper()
	d := &desk{room: &room{TB: t, pool: pgtest.New(t)}, log: &logtest.Log{}, brokers: kafkatest.Brokers(t)}
	d.connect(change)
	return d
}

func asSet(*KafkaConfig) {}

// CheckTopics makes the topics that are missing, dead letters too, and leaves those that are there as they are.
func TestCheckTopicsMakesThem(t *testing.T) {
	t.Parallel()
	d := kafkaDesk(t, func(c *KafkaConfig) { c.Partitions = 3 })
	kafkatest.CreateTopic(t, d.brokers, d.kafka.DeadLetter(point), 1)
	require.NoError(t, d.kafka.CheckTopics(nil))
	require.Zero(t, kafkatest.Partitions(t, d.brokers, d.kafka.Topic(point)))
	for range 2 {
		require.NoError(t, d.kafka.CheckTopics([]domain.EventType{point, voucher}))
		require.EqualValues(t, 3, kafkatest.Partitions(t, d.brokers, d.kafka.Topic(point)))
		require.EqualValues(t, 1, kafkatest.Partitions(t, d.brokers, d.kafka.DeadLetter(point)))
		require.EqualValues(t, 3, kafkatest.Partitions(t, d.brokers, d.kafka.DeadLetter(voucher)))
	}
	require.NoError(t, d.kafka.topics.blocked(d.kafka.Topic(point)))
	require.Empty(t, d.log.String())
}

// Examine says what is wrong and changes nothing: a topic that is not there blocks, and is not made.
func TestExamine(t *testing.T) {
	t.Parallel()
	d := kafkaDesk(t, asSet)
	kafkatest.CreateTopicWith(t, d.brokers, d.kafka.Topic(point), 1, map[string]string{"retention.ms": "1000", "cleanup.policy": "compact"})
	faults, err := d.kafka.Examine([]domain.EventType{point})
	require.NoError(t, err)
	require.Len(t, faults, 3)
	require.Equal(t, []bool{true, false, true}, []bool{faults[0].Blocks, faults[1].Blocks, faults[2].Blocks})
	require.Contains(t, faults[0].Text, "cleanup.policy=compact")
	require.Contains(t, faults[1].Text, "retention.ms=1000")
	require.Equal(t, d.kafka.DeadLetter(point), faults[2].Topic)
	require.Contains(t, faults[2].Text, "it does not exist")
	require.Zero(t, kafkatest.Partitions(t, d.brokers, d.kafka.DeadLetter(point)))
	require.NoError(t, d.kafka.topics.blocked(d.kafka.Topic(point)), "what is examined is not noted")
}

// A topic that the broker refuses to make is that topic's fault. No router waits for it, and no message goes to it.
func TestATopicThatCannotBeMade(t *testing.T) {
	t.Parallel()
	d := kafkaDesk(t, func(c *KafkaConfig) { c.Replication = 3 }) // of one broker
	kafkatest.CreateTopic(t, d.brokers, d.kafka.Topic(point), 1)
	require.NoError(t, d.kafka.CheckTopics([]domain.EventType{point}))
	require.True(t, d.kafka.topics.missing(d.kafka.DeadLetter(point)))
	require.False(t, d.kafka.topics.missing(d.kafka.Topic(point)))
	require.ErrorContains(t, d.kafka.publish(d.kafka.DeadLetter(point), example(), time.Now()), "cannot be made")
	r := d.router(nil)
	topics, err := r.newTopics(t.Context())
	require.NoError(t, err)
	var names []string
	for _, c := range topics {
		names = append(names, c.topic)
	}
	require.Contains(t, names, d.kafka.Topic(point))
	require.NotContains(t, names, d.kafka.DeadLetter(point))
}

// What is wrong with a topic is told once when it begins, and once when it ends. A topic with a fault that does no more than
// harm may be published to.
func TestFaultsAreToldOnce(t *testing.T) {
	t.Parallel()
	d := &desk{room: &room{TB: t}, log: &logtest.Log{}}
	k := &topics{log: d.logger(), faults: map[string][]fault{}}
	harm, blocks, gone := fault{text: "harm"}, fault{text: "blocks", blocks: true}, fault{text: "gone", blocks: true, missing: true}
	for range 2 {
		k.note(map[string][]fault{"a": {harm, blocks}, "b": {harm}, "c": {gone}})
	}
	require.Equal(t, 4, d.logged("level=WARN"))
	require.Equal(t, 2, d.logged("may do harm"))
	require.Equal(t, 2, d.logged("cannot be used"))
	require.EqualError(t, k.blocked("a"), "topic a: blocks")
	require.NoError(t, k.blocked("b"))
	require.NoError(t, k.blocked("unheard of"))
	require.False(t, k.missing("a"))
	require.True(t, k.missing("c"))
	k.note(map[string][]fault{"a": {harm}})
	require.Equal(t, 4, d.logged("level=WARN"))
	require.Equal(t, 1, d.logged("level=INFO"))
	require.NoError(t, k.blocked("a"))
	require.True(t, k.missing("c"), "of another topic nothing was found this time")
}

// WatchTopics ends with its context.
func TestWatchTopicsEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, (&Kafka{}).WatchTopics(ctx, nil))
}

// What a topic may be set to, what blocks it, and what only may do harm.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		setting, value string
		replicas       int
		blocks         bool
		text           string // "": nothing is wrong
	}{
		{"cleanup.policy", "delete", 3, false, ""},
		{"cleanup.policy", "compact", 3, true, "set cleanup.policy=delete"},
		{"cleanup.policy", "delete,compact", 3, true, "set cleanup.policy=delete"},
		{"min.insync.replicas", "2", 3, false, ""},
		{"min.insync.replicas", "1", 3, false, "set it to 2, on the topic or on the brokers"},
		{"min.insync.replicas", "1", 2, false, ""},
		{"min.insync.replicas", "1", 1, false, ""},
		{"min.insync.replicas", "3", 3, false, "takes no message while one broker is away: set it to 2"},
		{"min.insync.replicas", "2", 2, false, "give the topic a third replica"},
		{"min.insync.replicas", "3", 2, true, "set it to 2 or less"},
		{"min.insync.replicas", "2", 0, false, ""}, // the partitions are not known yet
		{"max.message.bytes", "1048588", 1, false, ""},
		{"max.message.bytes", "540672", 1, false, ""},
		{"max.message.bytes", "540671", 1, false, "set it to 540672 or more"},
		{"max.message.bytes", "20000", 1, false, "set it to 540672 or more"},
		{"retention.ms", "604800000", 1, false, ""},
		{"retention.ms", "-1", 1, false, ""},
		{"retention.ms", "1000", 1, false, "retention.ms=1000 may delete"},
		{"retention.bytes", "-1", 1, false, ""},
		{"retention.bytes", "1000000", 1, false, "retention.bytes=1000000 may delete"},
		{"unclean.leader.election.enable", "false", 1, false, ""},
		{"unclean.leader.election.enable", "true", 1, false, "may lose messages"},
		{"retention.ms", "a week", 1, false, ""}, // what cannot be read is not judged
		{"message.timestamp.type", "LogAppendTime", 1, false, ""},
	} {
		faults := judge(settings{c.setting: c.value}, c.replicas)
		if c.text == "" {
			require.Empty(t, faults, "%s=%s", c.setting, c.value)
			continue
		}
		require.Len(t, faults, 1, "%s=%s", c.setting, c.value)
		require.Contains(t, faults[0].text, c.text)
		require.Contains(t, faults[0].text, c.setting)
		require.Equal(t, c.blocks, faults[0].blocks, "%s=%s", c.setting, c.value)
	}
}

// Each topic has its own retention, or the broker's; one that keeps messages for ever or does not exist has none, and
// dead letters do not count.
func TestRetentions(t *testing.T) {
	t.Parallel()
	d := kafkaDesk(t, asSet)
	kept, err := d.kafka.Retentions([]domain.EventType{point})
	require.NoError(t, err)
	require.Empty(t, kept)
	for name, ms := range map[string]string{
		d.kafka.Topic(point): "7200000", d.kafka.DeadLetter(point): "1000", d.kafka.Topic(voucher): "-1",
	} {
		kafkatest.CreateTopicWith(t, d.brokers, name, 1, map[string]string{"retention.ms": ms})
	}
	kept, err = d.kafka.Retentions([]domain.EventType{point, voucher})
	require.NoError(t, err)
	require.Equal(t, map[string]time.Duration{d.kafka.Topic(point): 2 * time.Hour}, kept)
	kept, err = d.kafka.Retentions(nil)
	require.NoError(t, err)
	require.Empty(t, kept)
}
