package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"bestow/domain"
	"bestow/internal/obs"
	"bestow/outbox/secure"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// KafkaConfig says where Kafka is and how to speak to it.
type KafkaConfig struct {
	Brokers      []string
	Security     secure.Config
	Installation Installation // whose messages are written and read
	TopicPrefix  string       // "grants" makes grants.point, grants.point.dlt, …
	Partitions   int          // of a topic that is made
	Replication  int          // of a topic that is made; 0: the broker's default
	Log          *slog.Logger
}

// Kafka connects the process to the brokers: it has one publisher, and a subscriber for each topic that is consumed.
type Kafka struct {
	cfg       KafkaConfig
	client    sarama.Client // metadata: how many partitions a topic has
	publisher *kafka.Publisher
	sessions  *sessions
	topics    *topics

	mu       sync.Mutex
	subs     []*kafka.Subscriber
	consumed map[string]string // by topic, the event type of those that this process reads
}

// NewKafka connects to the brokers. The error says which address did not answer, or, as a [secure.WallError], what to
// do where the brokers do not let us in.
func NewKafka(cfg KafkaConfig) (*Kafka, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	sc, err := saramaConfig(cfg.Security)
	if err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(cfg.Brokers, sc)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", cfg.Brokers, cfg.Security.Probe(err, cfg.Brokers))
	}
	sc.Metadata.Full = false // the publisher needs only its own topics
	publisher, err := kafka.NewPublisher(kafka.PublisherConfig{
		Brokers: cfg.Brokers, Marshaler: marshaler{}, OverwriteSaramaConfig: sc,
	}, watermillLog(cfg.Log))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to Kafka at %v: %w", cfg.Brokers, cfg.Security.Explain(err)),
			client.Close())
	}
	return &Kafka{
		cfg: cfg, client: client, publisher: publisher, sessions: newSessions(),
		consumed: map[string]string{},
		topics:   &topics{log: cfg.Log, faults: map[string][]fault{}},
	}, nil
}

// Close ends the publisher and all subscribers.
func (k *Kafka) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, s := range k.subs {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, k.publisher.Close(), k.client.Close())...)
}

// Topic returns the full name of a type's topic.
func (k *Kafka) Topic(t domain.EventType) string { return k.cfg.TopicPrefix + "." + t.Topic }

// DeadLetter returns the full name of a type's dead-letter topic, which carries retries and redrives.
func (k *Kafka) DeadLetter(t domain.EventType) string { return k.Topic(t) + deadLetterSuffix }

const deadLetterSuffix = ".dlt"

// group returns the name of the topic's consumer group.
func (k *Kafka) group(topic string) string { return k.cfg.Installation.group(topic) }

// saramaConfig returns a configuration that is safe where sarama's defaults are not: it waits for all in-sync replicas,
// writes each record once and in order, and begins with the oldest message where a group has no offset. A publish
// cannot be cancelled, so its time-outs sum to less than a relay job may last.
func saramaConfig(security secure.Config) (*sarama.Config, error) {
	c := sarama.NewConfig()
	security.Apply(c)
	c.ClientID = "bestow"
	c.Version = sarama.V2_8_0_0
	c.ChannelBufferSize = 1 // a message is a whole chunk: 256 of them a partition would be 100 MiB
	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = 3*time.Second, 5*time.Second, 5*time.Second
	c.Metadata.Retry.Max, c.Metadata.Retry.Backoff, c.Metadata.Timeout = 2, 250*time.Millisecond, 4*time.Second
	c.Metadata.RefreshFrequency = metadataRefresh
	c.Metadata.AllowAutoTopicCreation = false // CheckTopics makes them, with our partitions

	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	c.Producer.Return.Successes = true
	c.Producer.Timeout = 4 * time.Second
	c.Producer.Retry.Max, c.Producer.Retry.Backoff = 2, 250*time.Millisecond
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.MaxMessageBytes = maxPayload

	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Group.ResetInvalidOffsets = true // with false, a truncated topic would never be consumed again
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configure Kafka: %w", err)
	}
	return c, assertSafe(c)
}

// metadataRefresh is the time between two looks of a client at its topics. After a refresh and a rebalance, within 30
// s, new partitions of a topic are consumed.
const metadataRefresh = 10 * time.Second

// assertSafe stops the start if an update of a library, or of saramaConfig, brought an unsafe default back.
func assertSafe(c *sarama.Config) error {
	switch {
	case c.Producer.RequiredAcks != sarama.WaitForAll, !c.Producer.Idempotent, c.Net.MaxOpenRequests != 1:
		return errors.New("configure Kafka: an acknowledged message could be lost or doubled")
	case c.Consumer.Offsets.Initial != sarama.OffsetOldest, !c.Consumer.Group.ResetInvalidOffsets:
		return errors.New("configure Kafka: messages from before the group's first start could be skipped")
	}
	return nil
}

// partitionOf returns the Kafka partition of a chunk. We choose it, because a hash of few keys leaves partitions empty.
func (k *Kafka) partitionOf(topic string, c domain.Chunk) (int32, error) {
	partitions, err := k.client.Partitions(topic)
	if err != nil {
		return 0, fmt.Errorf("read partitions of %s: %w", topic, err)
	}
	return int32((c.EventID + int64(c.PartitionKey)) % int64(len(partitions))), nil
}

// publish writes m to its topic and waits until all in-sync replicas have it. It takes no context; its time-outs bound
// it.
func (k *Kafka) publish(topic string, m Message, now time.Time) error {
	if err := k.topics.blocked(topic); err != nil {
		return err
	}
	partition, err := k.partitionOf(topic, m.Chunk)
	if err != nil {
		return err
	}
	m.Source = sourcePrefix + k.cfg.Installation.ID
	body, err := encode(m, now)
	if err != nil {
		return err
	}
	msg := message.NewMessage(m.ID, body)
	msg.Metadata.Set(partitionHeader, strconv.Itoa(int(partition)))
	if err := k.publisher.Publish(topic, msg); err != nil {
		return fmt.Errorf("publish chunk %s to %s: %w", m.Chunk, topic, k.cfg.Security.Explain(err))
	}
	return nil
}

// replay writes the bytes of a parked message to the topic that they came from, and to the same partition if it exists.
// Its time-outs bound it, as they bound publish.
func (k *Kafka) replay(c parkedCopy) error {
	if err := k.topics.blocked(c.at.Topic); err != nil {
		return err
	}
	partitions, err := k.client.Partitions(c.at.Topic)
	if err != nil {
		return fmt.Errorf("read partitions of %s: %w", c.at.Topic, err)
	}
	msg := message.NewMessage(replayHeader+"-"+c.String(), c.payload)
	msg.Metadata.Set(partitionHeader, strconv.Itoa(int(c.at.Partition)%len(partitions)))
	msg.Metadata.Set(replayHeader, c.String())
	if err := k.publisher.Publish(c.at.Topic, msg); err != nil {
		return fmt.Errorf("publish parked message %d to %s: %w", c.parkedID, c.at.Topic, k.cfg.Security.Explain(err))
	}
	return nil
}

// subscribe makes a subscriber of one consumer group; a refused message comes again after sleep.
func (k *Kafka) subscribe(group string, sleep time.Duration) (*kafka.Subscriber, error) {
	sc, err := saramaConfig(k.cfg.Security)
	if err != nil {
		return nil, err
	}
	// The broker answers a join when every member has joined again, or after the rebalance time-out if some were
	// killed. A client that gives up earlier joins anew, the broker waits for it again, and no member ever consumes.
	sc.Consumer.Group.Session.Timeout = sessionTimeout
	sc.Consumer.Group.Rebalance.Timeout = rebalanceTimeout
	sc.Net.ReadTimeout = 30 * time.Second
	sc.Metadata.Full = false // only its own topic
	s, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: k.cfg.Brokers, Unmarshaler: marshaler{}, OverwriteSaramaConfig: sc, ConsumerGroup: group,
		NackResendSleep: sleep, Tracer: k.sessions,
	}, watermillLog(k.cfg.Log))
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", k.cfg.Security.Explain(err))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.subs = append(k.subs, s)
	return s, nil
}

const (
	// A consumer that does not beat keeps its partitions for sessionTimeout.
	sessionTimeout = 10 * time.Second
	// A group waits rebalanceTimeout for consumers that were killed, and then the others go on.
	rebalanceTimeout = 20 * time.Second
)

// partitionHeader carries the chosen partition to the marshaler, which does not send it.
const partitionHeader = "partition"

// marshaler sets the chosen partition of a message that goes out. It never fails for one that comes in, since an error
// there would stop the partition for good: the decoder finds what is wrong with a message.
type marshaler struct{}

func (marshaler) Marshal(topic string, m *message.Message) (*sarama.ProducerMessage, error) {
	partition, err := strconv.ParseInt(m.Metadata.Get(partitionHeader), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read partition of message: %w", err)
	}
	out := &sarama.ProducerMessage{
		Topic:     topic,
		Partition: int32(partition),
		Value:     sarama.ByteEncoder(m.Payload),
		Headers: []sarama.RecordHeader{{
			Key:   []byte("content-type"),
			Value: []byte("application/cloudevents+json; charset=UTF-8"),
		}},
	}
	if copied := m.Metadata.Get(replayHeader); copied != "" {
		out.Headers = append(out.Headers, sarama.RecordHeader{Key: []byte(replayHeader), Value: []byte(copied)})
	}
	return out, nil
}

func (marshaler) Unmarshal(m *sarama.ConsumerMessage) (*message.Message, error) {
	msg := message.NewMessage(m.Topic+"/"+strconv.Itoa(int(m.Partition))+"/"+strconv.FormatInt(m.Offset, 10), m.Value)
	for _, h := range m.Headers {
		if string(h.Key) == replayHeader {
			msg.Metadata.Set(replayHeader, string(h.Value))
		}
	}
	return msg, nil
}

func watermillLog(log *slog.Logger) watermill.LoggerAdapter {
	if log == nil {
		return watermill.NopLogger{}
	}
	log = obs.Sparing(log, time.Minute) // Kafka's client says many times that a broker is away
	return watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
}

// ClusterID returns the id of the brokers' cluster; "" if they name none.
func (k *Kafka) ClusterID() (string, error) {
	broker := k.client.LeastLoadedBroker()
	if broker == nil {
		return "", fmt.Errorf("ask Kafka at %v for its id: %w", k.cfg.Brokers, sarama.ErrOutOfBrokers)
	}
	_ = broker.Open(k.client.Config()) // it may be open already; if not, the request fails
	answer, err := broker.GetMetadata(sarama.NewMetadataRequest(k.client.Config().Version, []string{}))
	if err != nil {
		return "", fmt.Errorf("ask Kafka at %v for its id: %w", k.cfg.Brokers, k.cfg.Security.Explain(err))
	}
	if answer.ClusterID == nil {
		return "", nil
	}
	return *answer.ClusterID, nil
}

// Ping asks the brokers for their metadata.
func (k *Kafka) Ping(context.Context) error {
	if err := k.client.RefreshMetadata(); err != nil {
		return fmt.Errorf("ask Kafka at %v: %w", k.cfg.Brokers, k.cfg.Security.Explain(err))
	}
	return nil
}
