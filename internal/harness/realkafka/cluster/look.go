package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// config is a client that asks once and soon gives up: its callers ask again.
func config() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = "realkafka"
	c.Version = sarama.V2_8_0_0
	c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = time.Second, 5*time.Second, 5*time.Second
	c.Metadata.Retry.Max, c.Admin.Retry.Max = 0, 0
	return c
}

// ready says what is still missing of a cluster that has just been started.
func (c *Cluster) ready() error {
	for _, n := range c.nodes {
		if err := c.joined(n); err != nil {
			return err
		}
	}
	admin, err := sarama.NewClusterAdmin(c.Brokers(), config())
	if err != nil {
		return err
	}
	detail := &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: int16(len(c.nodes))}
	const onlyTry = true
	return errors.Join(admin.CreateTopic("ready", detail, onlyTry), admin.Close())
}

// joined says why a node is no member of the cluster yet: it must answer, and know every broker that runs.
func (c *Cluster) joined(n *node) error {
	m, err := n.metadata()
	if err != nil {
		return err
	}
	known := map[int32]bool{}
	for _, b := range m.Brokers {
		known[b.ID()] = true
	}
	for _, other := range c.nodes {
		if c.runs(other) && !known[int32(other.id)] {
			return fmt.Errorf("broker %d does not know broker %d", n.id, other.id)
		}
	}
	return nil
}

func (c *Cluster) runs(n *node) bool {
	now := c.child(n)
	if now == nil {
		return false
	}
	select {
	case <-now.Done():
		return false
	default:
		return true
	}
}

// metadata is the cluster as this node sees it. No topics named: all of them.
func (n *node) metadata() (*sarama.MetadataResponse, error) {
	b := sarama.NewBroker(n.address)
	if err := b.Open(config()); err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }() // we only looked
	return b.GetMetadata(sarama.NewMetadataRequest(sarama.V2_8_0_0, nil))
}

// metadata is the cluster as the first node that answers sees it.
func (c *Cluster) metadata() (*sarama.MetadataResponse, error) {
	err := errors.New("no broker runs")
	for _, n := range c.nodes {
		if !c.runs(n) {
			continue
		}
		var m *sarama.MetadataResponse
		if m, err = n.metadata(); err == nil {
			return m, nil
		}
	}
	return nil, err
}

// Leader waits until a partition of a topic has a leader, and returns which broker that is, counted from 1.
func (c *Cluster) Leader(ctx context.Context, topic string, partition int32) (leader int, err error) {
	err = c.await(ctx, func() error {
		p, err := c.partition(topic, partition)
		if err == nil && p.Leader < 1 {
			err = fmt.Errorf("%s/%d has no leader", topic, partition)
		}
		if err == nil {
			leader = int(p.Leader)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find leader: %w", err)
	}
	return leader, nil
}

func (c *Cluster) partition(topic string, number int32) (*sarama.PartitionMetadata, error) {
	m, err := c.metadata()
	if err != nil {
		return nil, err
	}
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if t.Name == topic && p.ID == number {
				return p, nil
			}
		}
	}
	return nil, fmt.Errorf("there is no %s/%d", topic, number)
}

// InSync waits until every replica of every topic has all messages: then any one broker may die, and nothing is lost or
// refused.
func (c *Cluster) InSync(ctx context.Context) error {
	err := c.await(ctx, func() error {
		m, err := c.metadata()
		if err != nil {
			return err
		}
		for _, t := range m.Topics {
			for _, p := range t.Partitions {
				if len(p.Isr) < len(p.Replicas) {
					return fmt.Errorf("of %s/%d %d of %d replicas are in sync", t.Name, p.ID, len(p.Isr),
						len(p.Replicas))
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for replicas: %w", err)
	}
	return nil
}
