package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bestow/domain"
	"bestow/internal/obs"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// topicsCheck is the time between two checks of the topics and their settings.
const topicsCheck = 10 * time.Second

// WatchTopics makes missing topics and reads the settings of all, regularly until ctx ends. It logs each fault once,
// and once more when it is gone.
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
			// a server is away, which is logged elsewhere
			k.cfg.Log.DebugContext(ctx, "topics were not checked", obs.Err, err)
		}
	}
}

// CheckTopics makes the missing topics of the types, dead-letter topics too, and reads the settings of all. A fault of
// one topic does not keep the others from working, so it is no error: publish refuses what the topic cannot take.
func (k *Kafka) CheckTopics(types []domain.EventType) error {
	found, err := k.examine(types, k.createTopic)
	if err != nil {
		return err
	}
	k.topics.note(found)
	return nil
}

// MakeTopics makes the topics of a type that are missing. It returns an error until both are there.
func (k *Kafka) MakeTopics(t domain.EventType) error {
	if err := k.CheckTopics([]domain.EventType{t}); err != nil {
		return err
	}
	for _, topic := range []string{k.Topic(t), k.DeadLetter(t)} {
		if k.topics.missing(topic) {
			return k.topics.blocked(topic)
		}
	}
	return nil
}

// TopicFault is one fault of a topic.
type TopicFault struct {
	Topic  string
	Text   string // with what to do
	Blocks bool   // the topic takes no message; otherwise it works, and may do harm
}

// Examine returns the faults of the topics of the types, dead-letter topics too. It changes nothing.
func (k *Kafka) Examine(types []domain.EventType) (all []TopicFault, err error) {
	found, err := k.examine(types, func(sarama.ClusterAdmin, string) ([]fault, error) {
		return []fault{{
			blocks: true,
			text:   "it does not exist: a process with the role relay, handler or jobs makes it",
		}}, nil
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

// Retentions returns how long the topic of each type keeps messages; one that keeps them for ever, or does not exist,
// is absent. Dead-letter topics do not count: what they have waits for no claim.
func (k *Kafka) Retentions(types []domain.EventType) (map[string]time.Duration, error) {
	kept := map[string]time.Duration{}
	if len(types) == 0 {
		return kept, nil
	}
	admin, err := sarama.NewClusterAdminFromClient(k.client) // not closed: that would close the client
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	var topics []*sarama.ConfigResource
	for _, t := range types {
		topics = append(topics, &sarama.ConfigResource{Type: sarama.TopicResource, Name: k.Topic(t)})
	}
	results, err := admin.DescribeConfigs(topics, sarama.DescribeConfigsOptions{})
	if err != nil {
		return nil, fmt.Errorf("read settings of topics: %w", err)
	}
	for _, r := range results {
		for _, c := range r.Configs {
			if ms := (settings{c.Name: c.Value}).number("retention.ms", -1); ms >= 0 {
				kept[r.Name] = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return kept, nil
}

// OldestWaiting returns, by the codes of event types, how long the oldest message of an event that runs has waited for
// a handler; types of which none waits are absent.
func OldestWaiting(ctx context.Context, pool *pgxpool.Pool) (map[string]time.Duration, error) {
	const query = `SELECT e.event_type, clock_timestamp() - min(c.published_at) FROM campaign_events e
		JOIN grant_chunks c ON c.event_id = e.id
		WHERE e.event_status = 'RUNNING' AND c.published_at IS NOT NULL AND c.claimed_at IS NULL GROUP BY e.event_type`
	rows, err := pool.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read oldest messages: %w", err)
	}
	oldest := map[string]time.Duration{}
	var code string
	var wait time.Duration
	_, err = pgx.ForEachRow(rows, []any{&code, &wait}, func() error {
		oldest[code] = wait
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read oldest messages: %w", err)
	}
	return oldest, nil
}

// examine returns the faults of each topic of the types; absent returns those of a topic that does not exist.
func (k *Kafka) examine(types []domain.EventType,
	absent func(sarama.ClusterAdmin, string) ([]fault, error),
) (map[string][]fault, error) {
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
			found[t.Name] = []fault{{missing: true, blocks: true, text: "it cannot be described: " + lacking(t.Err, "Describe")}}
		default:
			found[t.Name], replicas[t.Name] = nil, leastReplicas(t)
		}
	}
	return found, readSettings(admin, found, replicas)
}

// createTopic makes a topic. If a broker refuses, that is a fault of the topic; if it is away, that is an error.
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
		return []fault{{missing: true, blocks: true, text: "it does not exist and cannot be made: " +
			lacking(err, "Create")}}, nil
	}
	return nil, fmt.Errorf("create topic %s: %w", topic, err)
}

// leastReplicas returns the replicas of the topic's least replicated partition, 0 for a topic without partitions.
func leastReplicas(t *sarama.TopicMetadata) int {
	least := 0
	for i, p := range t.Partitions {
		if i == 0 || len(p.Replicas) < least {
			least = len(p.Replicas)
		}
	}
	return least
}

// readSettings adds the faults of the settings of the topics that exist.
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
				lacking(r.ErrorCode, "DescribeConfigs")}}
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

// fault is one fault of a topic.
type fault struct {
	missing bool   // the topic does not exist
	blocks  bool   // the topic takes no message, or must not get one; otherwise it works, and may do harm
	text    string // with what to do
}

// topics holds the faults of the topics that the process knows.
type topics struct {
	log *slog.Logger

	mu     sync.Mutex
	faults map[string][]fault
}

// note keeps the faults that were found, and logs those that are new or gone.
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

// missing reports whether the topic did not exist at the last check.
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

// blockedError is the error of a publish that was not tried because of a fault of the topic.
type blockedError struct{ text string }

func (b *blockedError) Error() string { return b.text }

const (
	// largestMessage is the size of a message that a topic must take: the grants of a chunk and their envelope.
	largestMessage = domain.MaxMessageBytes + 16<<10
	// A topic should keep messages for leastRetention, and leastRetained bytes of each partition. The reconcile
	// republishes messages that are deleted before they are consumed: nothing is lost, but it takes minutes.
	leastRetention = time.Hour
	leastRetained  = 1 << 30
)

// settings are a topic's settings by name. One that the broker does not name, or that is no number, counts as good.
type settings map[string]string

func (s settings) number(name string, good int64) int64 {
	n, err := strconv.ParseInt(s[name], 10, 64)
	if err != nil {
		return good
	}
	return n
}

// judge says what is wrong with a topic, given its settings and the replicas of its least replicated partition, 0 if
// they are not known.
func judge(s settings, replicas int) []fault {
	faults := s.blocking(replicas)
	if limit := s.number("max.message.bytes", largestMessage); limit < largestMessage {
		faults = append(faults,
			fault{
				text: fmt.Sprintf("max.message.bytes=%d is less than a message may have: set it to %d or more, "+
					"such as Kafka's default 1048588", limit, largestMessage),
			})
	}
	if ms := s.number("retention.ms", -1); ms >= 0 && ms < leastRetention.Milliseconds() {
		faults = append(faults,
			fault{text: fmt.Sprintf("retention.ms=%d may delete messages before they are consumed: "+
				"set it to %d or more, such as Kafka's default of seven days", ms, leastRetention.Milliseconds())})
	}
	if n := s.number("retention.bytes", -1); n >= 0 && n < leastRetained {
		faults = append(faults,
			fault{
				text: fmt.Sprintf("retention.bytes=%d may delete messages before they are consumed: set it to -1, "+
					"or to %d or more",
					n, leastRetained),
			})
	}
	faults = append(faults, s.fragile(replicas)...)
	if s["unclean.leader.election.enable"] == "true" {
		faults = append(faults,
			fault{text: "unclean.leader.election.enable=true may lose messages that Kafka has acknowledged: " +
				"set it to false"})
	}
	return faults
}

// fragile says which failure of one broker harms a topic that has replicas. Kafka's answer has the broker's default
// where the topic sets nothing.
func (s settings) fragile(replicas int) []fault {
	switch least := s.number("min.insync.replicas", 0); {
	case replicas >= 3 && least == 1:
		return []fault{{text: fmt.Sprintf("min.insync.replicas=1 with %d replicas acknowledges messages that one broker "+
			"has, and loses them with it, so that they are published again minutes later: set it to 2, on the topic or on the "+
			"brokers", replicas)}}
	case replicas >= 2 && least == int64(replicas):
		better := fmt.Sprintf("set it to %d", replicas-1)
		if replicas == 2 {
			better = "give the topic a third replica"
		}
		return []fault{{text: fmt.Sprintf("min.insync.replicas=%d with %d replicas takes no message while one broker is "+
			"away: %s", least, replicas, better)}}
	}
	return nil
}

// blocking says what keeps a topic from taking any message.
func (s settings) blocking(replicas int) (faults []fault) {
	if policy := s["cleanup.policy"]; strings.Contains(policy, "compact") {
		faults = append(faults, fault{blocks: true, text: "cleanup.policy=" + policy +
			" refuses messages without a key, and would keep only one of each key: set cleanup.policy=delete"})
	}
	if least := s.number("min.insync.replicas", 1); replicas > 0 && least > int64(replicas) {
		faults = append(faults, fault{
			blocks: true,
			text: fmt.Sprintf("min.insync.replicas=%d with %d replicas takes no message: set it to %d or less, "+
				"or give the topic more replicas", least, replicas, replicas),
		})
	}
	return faults
}
