package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/go-json-experiment/json"
)

// rivalKafka is a rival's topic, with its publisher and its consumers, one for each partition.
type rivalKafka struct {
	topic     string
	publisher *kafka.Publisher
	router    *message.Router
	ran       chan error
	claims    claims
	handled   atomic.Int64 // messages that were handled without an error
}

// startRivalKafka makes a topic and consumes it with handle.
func startRivalKafka(ctx context.Context, brokers []string, topic string, partitions int,
	handle func(context.Context, rivalGrant) error,
) (*rivalKafka, error) {
	k := &rivalKafka{topic: topic, ran: make(chan error, 1)}
	if err := createTopic(brokers, topic, partitions); err != nil {
		return nil, err
	}
	var err error
	k.publisher, err = kafka.NewPublisher(kafka.PublisherConfig{
		Brokers: brokers, Marshaler: rivalMarshaler,
		OverwriteSaramaConfig: safeSarama(),
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("make publisher: %w", err)
	}
	if err := k.consume(ctx, brokers, handle); err != nil {
		return nil, errors.Join(err, k.publisher.Close())
	}
	if err := until(ctx, assigning, func() (bool, error) { return k.claims.open() == partitions, nil }); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for partitions: %w", err), k.stop())
	}
	return k, nil
}

// consume handles as many messages at once as the topic has partitions.
func (k *rivalKafka) consume(ctx context.Context, brokers []string,
	handle func(context.Context, rivalGrant) error,
) error {
	subscriber, err := kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers: brokers, Unmarshaler: rivalMarshaler, OverwriteSaramaConfig: safeSarama(), ConsumerGroup: k.topic,
		Tracer: &k.claims,
	}, nil)
	if err != nil {
		return fmt.Errorf("make subscriber: %w", err)
	}
	if k.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: 15 * time.Second},
		watermill.NopLogger{}); err != nil {
		return fmt.Errorf("make router: %w", err)
	}
	k.router.AddConsumerHandler("grant", k.topic, subscriber, func(m *message.Message) error {
		var g rivalGrant
		if err := json.Unmarshal(m.Payload, &g); err != nil {
			return fmt.Errorf("decode message: %w", err)
		}
		if err := handle(m.Context(), g); err != nil {
			return err // the message comes again
		}
		k.handled.Add(1)
		return nil
	})
	go func() { k.ran <- k.router.Run(context.WithoutCancel(ctx)) }()
	return nil
}

// publish writes one message and waits until it is on disk.
func (k *rivalKafka) publish(g rivalGrant) error {
	m, err := rivalMessage(g)
	if err != nil {
		return err
	}
	return k.publisher.Publish(k.topic, m)
}

// failed returns what ended the consumers too early.
func (k *rivalKafka) failed() error {
	select {
	case err := <-k.ran:
		k.ran <- err
		return errors.Join(errors.New("the consumers have ended"), err)
	default:
		return nil
	}
}

func (k *rivalKafka) stop() error { return errors.Join(k.router.Close(), <-k.ran, k.publisher.Close()) }

// memberHeader has the member, by whom messages are spread over the partitions.
const memberHeader = "member_id"

var rivalMarshaler = kafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) {
	return m.Metadata.Get(memberHeader), nil
})

func rivalMessage(g rivalGrant) (*message.Message, error) {
	body, err := json.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	m := message.NewMessage(watermill.NewUUID(), body)
	m.Metadata.Set(memberHeader, g.MemberID)
	return m, nil
}

// safeSarama is as safe as the product: what Kafka has acknowledged is neither lost nor doubled by the client.
func safeSarama() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID, c.Version = "bench", sarama.V2_8_0_0
	c.Producer.RequiredAcks, c.Producer.Idempotent, c.Net.MaxOpenRequests = sarama.WaitForAll, true, 1
	c.Producer.Return.Successes, c.Consumer.Return.Errors = true, true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	return c
}

func createTopic(brokers []string, topic string, partitions int) error {
	admin, err := sarama.NewClusterAdmin(brokers, safeSarama())
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	err = admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: -1}, false)
	if err != nil {
		err = fmt.Errorf("create topic %s: %w", topic, err)
	}
	return errors.Join(err, admin.Close())
}

// claims counts the partitions that are consumed. Watermill lets a "tracer" wrap the group's handler, which is the one
// place to see them.
type claims struct{ n atomic.Int64 }

func (c *claims) open() int { return int(c.n.Load()) }

// WrapConsumer returns consumer: only groups consume here.
func (c *claims) WrapConsumer(consumer sarama.Consumer) sarama.Consumer { return consumer }

// WrapPartitionConsumer returns consumer: only groups consume here.
func (c *claims) WrapPartitionConsumer(consumer sarama.PartitionConsumer) sarama.PartitionConsumer {
	return consumer
}

// WrapSyncProducer returns p: only consuming is watched.
func (c *claims) WrapSyncProducer(_ *sarama.Config, p sarama.SyncProducer) sarama.SyncProducer {
	return p
}

// WrapConsumerGroupHandler counts the partitions that h is given.
func (c *claims) WrapConsumerGroupHandler(h sarama.ConsumerGroupHandler) sarama.ConsumerGroupHandler {
	return counting{h, c}
}

type counting struct {
	sarama.ConsumerGroupHandler
	claims *claims
}

// ConsumeClaim consumes a partition, and counts it as long.
func (c counting) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	c.claims.n.Add(1)
	defer c.claims.n.Add(-1)
	return c.ConsumerGroupHandler.ConsumeClaim(session, claim)
}
