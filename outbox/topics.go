package outbox

import (
	"errors"
	"fmt"

	"bestow/domain"

	"github.com/IBM/sarama"
)

// EnsureTopics makes the topics of the types, dead letters too, that do not exist yet.
func (k *Kafka) EnsureTopics(types []domain.EventType) error {
	admin, err := sarama.NewClusterAdminFromClient(k.client)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	// The admin is not closed: that would close the client that it was made from.
	replication := int16(k.cfg.Replication)
	if replication == 0 {
		replication = -1 // the broker's default
	}
	for _, t := range types {
		for _, topic := range []string{k.Topic(t), k.DeadLetter(t)} {
			err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(k.cfg.Partitions), ReplicationFactor: replication}, false)
			if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
				return fmt.Errorf("create topic %s: %w", topic, err)
			}
		}
	}
	return nil
}
