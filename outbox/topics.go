package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"bestow/domain"
	"bestow/internal/obs"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgxpool"
)

// topicsCheck is how often a process looks whether the topics are there and as they must be.
const topicsCheck = 10 * time.Second

// WatchTopics makes topics that are missing and reads the settings of all, again and again until ctx ends. It tells the
// log once of each thing that is wrong, and once when it is right again.
func (k *Kafka) WatchTopics(ctx context.Context, pool *pgxpool.Pool) error {
	tick := time.NewTicker(topicsCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		types, err := ReadyTypes(ctx, pool)
		if err == nil {
			err = k.CheckTopics(types)
		}
		if err != nil && ctx.Err() == nil {
			k.cfg.Log.DebugContext(ctx, "topics were not checked", obs.Err, err) // a server is away, which others tell
		}
	}
}

// CheckTopics makes the topics of the types, dead letters too, that do not exist yet, and reads the settings of all.
// What is wrong with one topic keeps no other from working, so it is no error: publish refuses what the topic cannot
// take.
func (k *Kafka) CheckTopics(types []domain.EventType) error {
	found, err := k.examine(types, k.createTopic)
	if err != nil {
		return err
	}
	k.topics.note(found)
	return nil
}

// TopicFault is one thing that is wrong with a topic.
type TopicFault struct {
	Topic  string
	Text   string // with what to do
	Blocks bool   // the topic takes no message; otherwise it works, and may do harm
}

// Examine says what is wrong with the topics of the types, dead letters too. It makes none and changes nothing.
func (k *Kafka) Examine(types []domain.EventType) (all []TopicFault, err error) {
	found, err := k.examine(types, func(sarama.ClusterAdmin, string) ([]fault, error) {
		return []fault{{blocks: true,
			text: "it does not exist: a process with the role relay, handler or jobs makes it"}}, nil
	})
	if err != nil {
		return nil, err
	}
	for _, topic := range slices.Sorted(maps.Keys(found)) {
		for _, f := range found[topic] {
			all = append(all, TopicFault{Topic: topic, Text: f.text, Blocks: f.blocks})
		}
	}
	return all, nil
}

// examine returns what is wrong with each topic of the types; absent says it of one that does not exist.
func (k *Kafka) examine(types []domain.EventType,
	absent func(sarama.ClusterAdmin, string) ([]fault, error)) (map[string][]fault, error) {
	found := map[string][]fault{}
	var names []string
	for _, t := range types {
		names = append(names, k.Topic(t), k.DeadLetter(t))
	}
	if len(names) == 0 {
		return found, nil
	}
	admin, err := sarama.NewClusterAdminFromClient(k.client) // not closed: that would close the client
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	described, err := admin.DescribeTopics(names)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	replicas := map[string]int{}
	for _, t := range described {
		switch {
		case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
			if found[t.Name], err = absent(admin, t.Name); err != nil {
				return nil, err
			}
		case !errors.Is(t.Err, sarama.ErrNoError) && permanent(t.Err):
			found[t.Name] = []fault{{missing: true, blocks: true, text: "it cannot be described: " + t.Err.Error()}}
		default:
			found[t.Name], replicas[t.Name] = nil, leastReplicas(t)
		}
	}
	return found, readSettings(admin, found, replicas)
}

// createTopic makes a topic. A broker that refuses that is a fault of the topic; one that is away is an error.
func (k *Kafka) createTopic(admin sarama.ClusterAdmin, topic string) ([]fault, error) {
	replication := int16(k.cfg.Replication)
	if replication == 0 {
		replication = -1 // the broker's default
	}
	err := admin.CreateTopic(topic,
		&sarama.TopicDetail{NumPartitions: int32(k.cfg.Partitions), ReplicationFactor: replication}, false)
	if err == nil || errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return nil, nil
	}
	if _, answered := errors.AsType[*sarama.TopicError](err); answered {
		return []fault{{missing: true, blocks: true, text: "it does not exist and cannot be made: " + err.Error()}}, nil
	}
	return nil, fmt.Errorf("create topic %s: %w", topic, err)
}

// leastReplicas is how many replicas the topic's least replicated partition has, 0 for a topic without partitions.
func leastReplicas(t *sarama.TopicMetadata) int {
	least := 0
	for i, p := range t.Partitions {
		if i == 0 || len(p.Replicas) < least {
			least = len(p.Replicas)
		}
	}
	return least
}

// readSettings adds to the topics that exist what is wrong with their settings.
func readSettings(admin sarama.ClusterAdmin, found map[string][]fault, replicas map[string]int) error {
	var resources []*sarama.ConfigResource
	for topic := range replicas {
		resources = append(resources, &sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
	}
	results, err := admin.DescribeConfigs(resources, sarama.DescribeConfigsOptions{})
	if err != nil {
		return fmt.Errorf("read settings of topics: %w", err)
	}
	for _, r := range results {
		if !errors.Is(r.ErrorCode, sarama.ErrNoError) {
			found[r.Name] = []fault{{text: "its settings cannot be read, so they are not checked: " +
				r.ErrorCode.Error()}}
			continue
		}
		read := settings{}
		for _, c := range r.Configs {
			read[c.Name] = c.Value
		}
		found[r.Name] = judge(read, replicas[r.Name])
	}
	return nil
}

// fault is one thing that is wrong with a topic.
type fault struct {
	missing bool   // there is nothing to read from
	blocks  bool   // the topic takes no message, or may not be given one; otherwise it works, and may do harm
	text    string // with what to do
}

// topics is what the process knows of the topics.
type topics struct {
	log *slog.Logger

	mu     sync.Mutex
	faults map[string][]fault
}

// note keeps what was found, and tells of what is new and what is gone.
func (t *topics) note(found map[string][]fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for topic, now := range found {
		before := t.faults[topic]
		for _, f := range now {
			if !slices.Contains(before, f) {
				t.tell(f, topic)
			}
		}
		for _, f := range before {
			if !slices.Contains(now, f) {
				t.log.Info("a topic is as it should be again", obs.Topic, topic, obs.Cause, f.text)
			}
		}
		t.faults[topic] = now
	}
}

func (t *topics) tell(f fault, topic string) {
	if f.blocks {
		t.log.Warn("a topic cannot be used, its events stand still", obs.Topic, topic, obs.Cause, f.text)
		return
	}
	t.log.Warn("a topic is set in a way that may do harm", obs.Topic, topic, obs.Cause, f.text)
}

// missing reports whether the topic was not there when it was looked for.
func (t *topics) missing(topic string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.faults[topic], func(f fault) bool { return f.missing })
}

// blocked returns the error for a message to the topic, nil if it may be published.
func (t *topics) blocked(topic string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var texts []string
	for _, f := range t.faults[topic] {
		if f.blocks {
			texts = append(texts, f.text)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &blockedError{fmt.Sprintf("topic %s: %s", topic, strings.Join(texts, "; "))}
}

// blockedError is the error of a publish that was not tried: the topic is not fit for it.
type blockedError struct{ text string }

func (b *blockedError) Error() string { return b.text }
