package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"bestow/domain"
	"bestow/internal/obs"

	"github.com/IBM/sarama"
)

// The codes of a Refusal.
const (
	KafkaAway    = "kafka_away"    // Kafka does not answer, or cannot write now: this passes by itself
	KafkaRefuses = "kafka_refuses" // Kafka refuses the message, and will until a person changes something
)

// Refusal says why Kafka did not take a message.
type Refusal struct {
	EventType string `json:"event_type"` // of the message
	Topic     string `json:"topic"`
	Code      string `json:"code"`
	Text      string `json:"text"`
	// Permanent reports whether waiting does not help: a person must change a setting of the topic, or a right.
	Permanent bool `json:"permanent"`
}

// remedies are the errors that a broker repeats until a person has changed something, and what to change. Every other
// error passes by itself: a broker that is away, a leader that changes, a topic that is just being made.
var remedies = []struct {
	code   sarama.KError
	remedy string
}{
	{sarama.ErrMessageSizeTooLarge, fmt.Sprintf("set the topic's max.message.bytes to %d or more", largestMessage)},
	{sarama.ErrMessageSetSizeTooLarge, "set the topic's segment.bytes to Kafka's default"},
	{sarama.ErrInvalidRecord, "set the topic's cleanup.policy=delete, and remove what validates its records"},
	{sarama.ErrInvalidTimestamp, "set the topic's message.timestamp.before.max.ms and …after.max.ms to Kafka's defaults, or this machine's clock"},
	{sarama.ErrUnsupportedForMessageFormat, "set the topic's message.format.version to 2.8 or later"},
	{sarama.ErrTopicAuthorizationFailed, "allow this user to Write to the topic and to Describe it"},
	{sarama.ErrClusterAuthorizationFailed, "allow this user IdempotentWrite"},
	{sarama.ErrPolicyViolation, "ask who runs the brokers for a policy that takes these messages"},
	{sarama.ErrInvalidRequiredAcks, "use brokers that take acks=all"},
	{sarama.ErrInvalidTopic, "give a BESTOW_TOPIC_PREFIX of letters, digits, dots, - and _ alone"},
	{sarama.ErrSASLAuthenticationFailed, "give a user and a password that Kafka knows"},
	{sarama.ErrUnsupportedSASLMechanism, "use a mechanism that Kafka offers"},
	{sarama.ErrUnsupportedVersion, "use brokers of Kafka 2.8 or later"},
}

// permanent reports whether a broker will repeat the error until a person has changed something.
func permanent(err error) bool { return remedyOf(err) != "" }

func remedyOf(err error) string {
	for _, r := range remedies {
		if errors.Is(err, r.code) {
			return r.remedy
		}
	}
	return ""
}

// refusalOf returns the refusal for err, which a publish of a type's message to topic returned.
func refusalOf(eventType, topic string, err error) Refusal {
	r := Refusal{EventType: eventType, Topic: topic, Code: KafkaAway, Text: err.Error()}
	if unanswered(err) {
		r.Text = "Kafka does not answer: " + r.Text
	}
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		r.Code, r.Text, r.Permanent = KafkaRefuses, blocked.text, true
	} else if remedy := remedyOf(err); remedy != "" {
		r.Code, r.Text, r.Permanent = KafkaRefuses, fmt.Sprintf("topic %s: %s: %s", topic, reasonOf(err), remedy), true
	}
	return r
}

// unanswered reports whether err came from the network, without an answer of a broker.
func unanswered(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, sarama.ErrOutOfBrokers)
}

// reasonOf returns the broker's own reason in err.
func reasonOf(err error) string {
	if code, ok := errors.AsType[sarama.KError](err); ok {
		return code.Error()
	}
	return err.Error()
}

// A refusal that is not repeated stands for holds: the refused job is tried again within that time. The success of
// another chunk does not end it earlier, since a topic may take small messages and refuse a large one.
const holds = 3 * kafkaAway

// refusals holds the refusals that stand, by topic.
type refusals struct {
	mu   sync.Mutex
	open map[string]standing
}

type standing struct {
	Refusal

	chunk domain.Chunk // that was refused last
	until time.Time
}

// refused notes a refusal, and reports whether it is new.
func (s *refusals) refused(r Refusal, c domain.Chunk, now time.Time) (begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, stands := s.open[r.Topic]
	if s.open == nil {
		s.open = map[string]standing{}
	}
	s.open[r.Topic] = standing{r, c, now.Add(holds)}
	return !stands || before.Code != r.Code
}

// took notes that the topic took a message of c. ends reports whether that ended a refusal, stands whether one is left.
func (s *refusals) took(topic string, c domain.Chunk, now time.Time) (ends, stands bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, stands := s.open[topic]
	if stands && r.Permanent && c != r.chunk && now.Before(r.until) {
		return false, true
	}
	delete(s.open, topic)
	return stands, false
}

// report writes to the log when a refusal begins and when it ends, and calls w.tell each time.
func (w *RelayWorker) report(ctx context.Context, topic string, m Message, err error) {
	tell := w.tell
	if tell == nil {
		tell = func(string, *Refusal) {}
	}
	if err == nil {
		ends, stands := w.refusals.took(topic, m.Chunk, time.Now())
		if ends {
			w.log.InfoContext(ctx, "kafka takes messages again", obs.Topic, topic)
		}
		if !stands {
			tell(topic, nil)
		}
		return
	}
	r := refusalOf(m.EventType, topic, err)
	level := slog.LevelDebug
	if w.refusals.refused(r, m.Chunk, time.Now()) {
		level = slog.LevelWarn
	}
	w.log.Log(ctx, level, "kafka does not take messages", obs.Topic, topic, obs.Cause, r.Code, obs.Reason, r.Text)
	tell(topic, &r)
}
