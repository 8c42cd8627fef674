package outbox

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"bestow/domain"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

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
		{"min.insync.replicas", "3", 3, false, ""},
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
	}
	for _, err := range lasting {
		r := refusalOf("POINT", "grants.point", fmt.Errorf("publish: %w", err))
		require.Equal(t, KafkaRefuses, r.Code, err)
		require.True(t, r.Permanent, err)
		require.True(t, strings.HasPrefix(r.Text, "topic grants.point: "), r.Text)
	}
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
		ends, stands := s.took("a", c, now.Add(after))
		return [2]bool{ends, stands}
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
