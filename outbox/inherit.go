package outbox

import (
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
)

// inherit gives the topic's group the offsets of the group without an installation in its name, so that an upgrade
// reads nothing twice. It does so once, and only for an installation that is older than ids. Handlers of the version
// before may still work in the old group: messages that both read are handled twice, and granted once.
func (k *Kafka) inherit(topic string) error {
	if !k.cfg.Installation.UnnamedAreOurs {
		return nil
	}
	partitions, err := k.client.Partitions(topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil // the topic does not exist yet
	}
	if err != nil {
		return fmt.Errorf("read partitions of %s: %w", topic, err)
	}
	admin, err := sarama.NewClusterAdminFromClient(k.client) // not closed: that would close the client
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	own, err := groupOffsets(admin, k.group(topic), topic, partitions)
	if err != nil || len(own) > 0 {
		return err
	}
	before, err := groupOffsets(admin, unnamedGroup(topic), topic, partitions)
	if err != nil || len(before) == 0 {
		return err
	}
	return commit(admin, k.group(topic), topic, before)
}

// commit sets the offsets of a group without members. If the group has one by now, another process has set them before.
func commit(admin sarama.ClusterAdmin, group, topic string, offsets map[int32]int64) error {
	to := map[int32]sarama.OffsetAndMetadata{}
	for p, offset := range offsets {
		to[p] = sarama.OffsetAndMetadata{Offset: offset, LeaderEpoch: -1}
	}
	resp, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: to}, nil)
	if err != nil {
		return fmt.Errorf("set offsets of group %s: %w", group, err)
	}
	for p, code := range resp.Errors[topic] {
		if code != sarama.ErrNoError && !slices.Contains(groupIsAlive, code) {
			return fmt.Errorf("set offset of group %s in %s/%d: %w", group, topic, p, code)
		}
	}
	return nil
}

// groupIsAlive are the errors with which a broker refuses offsets from outside for a group that has members.
var groupIsAlive = []sarama.KError{sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration,
	sarama.ErrRebalanceInProgress}
