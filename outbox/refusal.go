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
	"bestow/internal/english"
	"bestow/internal/obs"
	"bestow/outbox/secure"

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

// lacking returns the text of err, and if it is a right of the topic that is lacking, which one.
func lacking(err error, right string) string {
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
		return err.Error() + " Allow this user " + right + " on the topic."
	}
	return err.Error()
}

// refusalOf returns the refusal for err, which a publish of a type's message to topic returned.
func refusalOf(eventType, topic string, err error) Refusal {
	r := Refusal{EventType: eventType, Topic: topic, Code: KafkaAway, Text: err.Error()}
	if unanswered(err) {
		r.Text = "Kafka does not answer: " + r.Text
	}
	if blocked, ok := errors.AsType[*blockedError](err); ok {
		r.Code, r.Text, r.Permanent = KafkaRefuses, blocked.text, true
	} else if wall, ok := errors.AsType[*secure.WallError](err); ok && wall.Lasts {
		r.Code, r.Text, r.Permanent = KafkaRefuses, fmt.Sprintf("topic %s: %s", topic, english.OneLine(wall.Error())), true
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

// settles is the time for which a topic takes messages before the log says that it does: a Kafka that comes back takes
// some and then none a few times. Every job that was refused has been tried again by then.
const settles = 2 * kafkaAway

// refusals holds the refusals that stand, by topic.
type refusals struct {
	mu    sync.Mutex
	open  map[string]standing
	ended map[string]*Refusal // whose end the log has not said yet
}

type standing struct {
	Refusal

	chunk domain.Chunk // that was refused last
	until time.Time
}

// refused notes a refusal, and reports whether it is new. One that comes before the log said that the last one has
// ended goes on with it.
func (s *refusals) refused(r Refusal, c domain.Chunk, now time.Time) (begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open, s.ended = map[string]standing{}, map[string]*Refusal{}
	}
	before := s.open[r.Topic].Code
	if last := s.ended[r.Topic]; last != nil {
		before = last.Code
		delete(s.ended, r.Topic)
	}
	s.open[r.Topic] = standing{r, c, now.Add(holds)}
	return before != r.Code
}

// took notes that the topic took a message of c. It returns the refusal that this ended, nil for none; stands reports
// whether one is left.
func (s *refusals) took(topic string, c domain.Chunk, now time.Time) (ended *Refusal, stands bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, stands := s.open[topic]
	switch {
	case !stands:
		return nil, false
	case r.Permanent && c != r.chunk && now.Before(r.until):
		return nil, true
	}
	delete(s.open, topic)
	s.ended[topic] = &r.Refusal
	return s.ended[topic], false
}

// settle calls say if no refusal has come since that one ended: its end is certain now.
func (s *refusals) settle(topic string, ended *Refusal, say func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[topic] == ended {
		delete(s.ended, topic)
		say()
	}
}

// forget leaves no end to be said.
func (s *refusals) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.ended)
}

// report writes to the log when a refusal begins, and when it has ended for good; it calls w.tell each time.
func (w *RelayWorker) report(ctx context.Context, topic string, m Message, err error) {
	tell := w.tell
	if tell == nil {
		tell = func(string, *Refusal) {}
	}
	if err == nil {
		ended, stands := w.refusals.took(topic, m.Chunk, time.Now())
		if ended != nil {
			say := func() { w.log.Info("kafka takes messages again", obs.Topic, topic) }
			w.after(settles, func() { w.refusals.settle(topic, ended, say) })
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
