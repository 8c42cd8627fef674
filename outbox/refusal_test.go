package outbox

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/kafkatest"
	"bestow/outbox/secure"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// block sets a topic so that it takes no message, and lets the relay's Kafka see it.
func (d *desk) block(topic string) {
	d.Helper()
	kafkatest.Set(d, d.brokers, topic, map[string]string{"cleanup.policy": "compact"})
	require.NoError(d, d.kafka.CheckTopics([]domain.EventType{point, voucher}))
}

// A topic that takes no message puts the job off, and leaves everything as it was. The relay reports it each time, the log
// says it once; the end of it too.
func TestATopicThatRefuses(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	topic := d.kafka.Topic(point)
	d.block(topic)
	for range 2 {
		_, err := d.work(d.all(), First, 0)
		snoozed(t, err, kafkaAway)
	}
	require.Empty(t, d.sent(topic))
	require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())
	require.Len(t, d.reports, 2)
	for _, r := range d.reports {
		require.Equal(t, KafkaRefuses, r.Code)
		require.True(t, r.Permanent)
		require.Equal(t, "POINT", r.EventType)
		require.Equal(t, topic, r.Topic)
		require.Contains(t, r.Text, "cleanup.policy=delete")
	}
	require.Equal(t, 1, d.logged("level=WARN msg=\"kafka does not take messages\""))

	kafkatest.Set(t, d.brokers, topic, map[string]string{"cleanup.policy": "delete"})
	require.NoError(t, d.kafka.CheckTopics([]domain.EventType{point}))
	_, err := d.work(d.all(), First, 0)
	require.NoError(t, err)
	require.Nil(t, d.reports[2])
	require.Zero(t, d.logged("kafka takes messages again"), "not before it has held")
	d.settle()
	require.Equal(t, 1, d.logged("kafka takes messages again"))
	require.Equal(t, "targets 1 chunks 1 counted 1", d.marked())
}

// A Kafka that has no such topic yet is away: nobody has to do anything, and the job comes again.
func TestATopicThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	d.exec(`UPDATE event_types SET topic = 'elsewhere' WHERE code = 'POINT'`)
	_, err := d.work(d.all(), First, 0)
	snoozed(t, err, kafkaAway)
	require.Len(t, d.reports, 1)
	require.Equal(t, KafkaAway, d.reports[0].Code)
	require.False(t, d.reports[0].Permanent)
	require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())
}

// A Kafka that is away puts the job off. That passes by itself, so nothing asks a person for anything.
func TestAKafkaThatIsAway(t *testing.T) {
	t.Parallel()
	d, end := setupKillable(t, 1)
	end()
	id, err := d.work(d.all(), First, 0)
	snoozed(t, err, kafkaAway)
	require.Equal(t, "targets 0 chunks 0 counted 0", d.marked())
	require.Equal(t, "running", d.text(`SELECT state FROM river.river_job WHERE id = $1`, id))
	require.Len(t, d.reports, 1)
	require.Equal(t, KafkaAway, d.reports[0].Code)
	require.False(t, d.reports[0].Permanent)
	require.Contains(t, d.reports[0].Text, "Kafka does not answer: ")
	require.Equal(t, 1, d.logged("kafka does not take messages"))

	require.Error(t, d.kafka.Ping(t.Context()))
	require.Error(t, d.kafka.CheckTopics([]domain.EventType{point}), "it is no fault of the topics")
	require.NoError(t, d.kafka.topics.blocked(d.kafka.Topic(point)))
	sweeper := d.sweeper()
	sweeper.kafka = d.kafka
	_, err = sweeper.Reconcile(t.Context())
	require.ErrorContains(t, err, "reconcile POINT", "each type is tried")
	require.ErrorContains(t, err, "reconcile VOUCHER")
}

// Of a job that Kafka takes in part, that part is marked. The rest becomes a job of its own, which is refused from then on;
// that the topic takes another chunk does not end the refusal.
func TestAJobThatIsTakenInPart(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1, 1, 1)
	topic := d.kafka.Topic(point)
	d.exec(`UPDATE point_targets SET reason = repeat('x', 500) WHERE id = 2`)
	kafkatest.Set(t, d.brokers, topic, map[string]string{"max.message.bytes": "900"})
	_, err := d.work(d.all(), First, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"1-1 m001"}, d.sent(topic))
	require.Equal(t, "targets 1 chunks 1 counted 1", d.marked())
	require.Equal(t, "completed first 1-3, scheduled first 2-3", d.jobs())
	require.Nil(t, d.reports[0])
	require.Equal(t, KafkaRefuses, d.reports[1].Code)
	require.Contains(t, d.reports[1].Text, "max.message.bytes")

	_, err = d.work(d.chunks[2], First, 0)
	require.NoError(t, err)
	require.Len(t, d.reports, 2, "a refusal that stands is not reported as ended")
	require.Zero(t, d.logged("kafka takes messages again"))
	_, err = d.work(domain.Run{EventID: d.event, First: 2, Last: 3}, First, 0)
	snoozed(t, err, kafkaAway)
	require.Equal(t, 1, d.logged("level=WARN msg=\"kafka does not take messages\""))
	require.Equal(t, "targets 2 chunks 2 counted 2", d.marked())
}

// A relay without a listener works.
func TestARelayThatReportsToNobody(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	d.relay.tell = nil
	_, err := d.work(d.all(), First, 0)
	require.NoError(t, err)
	require.False(t, strings.Contains(d.log.String(), "WARN"), d.log)
}

// A refusal that a person has to end is told from one that passes by itself, and says what to do.
func TestRefusalOf(t *testing.T) {
	t.Parallel()
	passing := []error{
		errors.New("EOF"), sarama.ErrOutOfBrokers, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrRequestTimedOut,
		sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrUnknownTopicOrPartition, sarama.ErrInvalidPartition,
		sarama.ErrOutOfOrderSequenceNumber, sarama.ErrKafkaStorageError, sarama.ErrThrottlingQuotaExceeded, sarama.ErrBrokerNotAvailable,
	}
	for _, err := range passing {
		r := refusalOf("POINT", "grants.point", fmt.Errorf("publish: %w", err))
		require.Equal(t, KafkaAway, r.Code, err)
		require.False(t, r.Permanent, err)
		unanswered := errors.Is(err, sarama.ErrOutOfBrokers) || errors.Is(err, syscall.ECONNREFUSED)
		require.Equal(t, unanswered, strings.HasPrefix(r.Text, "Kafka does not answer: "), r.Text)
	}
	lasting := []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrInvalidRecord, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrPolicyViolation, sarama.ErrInvalidRequiredAcks, sarama.ErrInvalidTimestamp, sarama.ErrInvalidTopic, sarama.ErrSASLAuthenticationFailed,
		&blockedError{"topic grants.point: cleanup.policy=compact"},
		secure.Config{}.Explain(x509.UnknownAuthorityError{}), secure.Config{Mechanism: secure.Plain}.Explain(fmt.Errorf("%w: %w", sarama.ErrOutOfBrokers, sarama.ErrSASLAuthenticationFailed)),
	}
	for _, err := range lasting {
		r := refusalOf("POINT", "grants.point", fmt.Errorf("publish: %w", err))
		require.Equal(t, KafkaRefuses, r.Code, err)
		require.True(t, r.Permanent, err)
		require.True(t, strings.HasPrefix(r.Text, "topic grants.point: "), r.Text)
	}
	require.Contains(t, refusalOf("POINT", "grants.point", lasting[len(lasting)-2]).Text, "KAFKA_CA_FILE")
	require.Contains(t, refusalOf("POINT", "grants.point", lasting[len(lasting)-1]).Text, "KAFKA_SASL_USER")
}

// A refusal is told when it begins and when it ends: a small message that the topic takes does not end the refusal of a large
// one, that one's success does, and so does the time in which it was not repeated.
func TestRefusalsBeginAndEndOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	large, small := domain.Chunk{EventID: 1, First: 1, Last: 100}, domain.Chunk{EventID: 1, First: 101, Last: 102}
	tooLarge := Refusal{Topic: "a", Code: KafkaRefuses, Permanent: true}
	var s refusals
	took := func(c domain.Chunk, after time.Duration) [2]bool {
		ended, stands := s.took("a", c, now.Add(after))
		var said bool
		s.settle("a", ended, func() { said = ended != nil })
		return [2]bool{said, stands}
	}
	require.Equal(t, [2]bool{false, false}, took(small, 0))
	require.True(t, s.refused(tooLarge, large, now))
	require.False(t, s.refused(tooLarge, large, now.Add(kafkaAway)))
	require.Equal(t, [2]bool{false, true}, took(small, 2*kafkaAway))
	require.Equal(t, [2]bool{true, false}, took(large, 2*kafkaAway))
	require.Equal(t, [2]bool{false, false}, took(large, 2*kafkaAway))

	require.True(t, s.refused(tooLarge, large, now))
	require.Equal(t, [2]bool{true, false}, took(small, holds))

	away := Refusal{Topic: "a", Code: KafkaAway}
	require.True(t, s.refused(away, large, now))
	require.True(t, s.refused(tooLarge, large, now), "another reason is told")
	require.True(t, s.refused(away, large, now))
	require.Equal(t, [2]bool{true, false}, took(small, 0), "Kafka is there again for all")
}

// A Kafka that takes a message and then none, a few times as it comes back, is away once and back once.
func TestKafkaComesBackOnce(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	m := Message{EventType: point.Code, Chunk: domain.Chunk{EventID: d.event, First: 1, Last: 1}}
	away, topic := sarama.ErrNotLeaderForPartition, d.kafka.Topic(point)
	for range 3 {
		d.relay.report(t.Context(), topic, m, away)
		d.relay.report(t.Context(), topic, m, nil)
		d.relay.report(t.Context(), topic, m, nil)
	}
	require.Equal(t, 1, d.logged("level=WARN msg=\"kafka does not take messages\""))
	require.Len(t, d.settles, 3)
	d.settle()
	require.Equal(t, 1, d.logged("kafka takes messages again"))
	d.relay.report(t.Context(), topic, m, away)
	require.Equal(t, 2, d.logged("level=WARN msg=\"kafka does not take messages\""), "it was back")
	d.relay.report(t.Context(), topic, m, nil)
	d.relay.report(t.Context(), topic, m, &blockedError{"topic grants.point: cleanup.policy=compact"})
	require.Equal(t, 3, d.logged("level=WARN msg=\"kafka does not take messages\""), "another reason is told")
	d.settle()
	require.Equal(t, 1, d.logged("kafka takes messages again"))
}

// A relay that has ended says nothing more.
func TestAClosedRelayIsSilent(t *testing.T) {
	t.Parallel()
	d := setupRelay(t, 1)
	m := Message{EventType: point.Code, Chunk: domain.Chunk{EventID: d.event, First: 1, Last: 1}}
	topic := d.kafka.Topic(point)
	d.relay.report(t.Context(), topic, m, sarama.ErrNotLeaderForPartition)
	d.relay.report(t.Context(), topic, m, nil)
	require.Len(t, d.settles, 1)
	d.relay.Close()
	d.settle()
	require.Zero(t, d.logged("kafka takes messages again"))
}
