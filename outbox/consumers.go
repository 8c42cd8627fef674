package outbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/IBM/sarama"
)

// Consumer is a member of the consumer group of a topic: a handler of this installation, or a stranger that takes its
// messages.
type Consumer struct {
	EventType  string  `json:"event_type"`
	Group      string  `json:"group"`
	Member     string  `json:"member"` // the id that the broker gave it
	Client     string  `json:"client"`
	Host       string  `json:"host"`
	Partitions []int32 `json:"partitions"` // that the group gave it
}

// String says which partitions a stranger takes, and what to do.
func (c Consumer) String() string {
	partitions := strings.Join(strings.Fields(strings.Trim(fmt.Sprint(c.Partitions), "[]")), ", ")
	return fmt.Sprintf("a consumer that is no process of this installation (client %s on %s) is in the group %s and "+
		"takes the partitions %s: end it",
		c.Client, c.Host, c.Group, partitions)
}

// consume notes that this process reads the topic.
func (k *Kafka) consume(c consumed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.consumed[c.topic] = c.eventType
}

// Members returns the ids that this process has in consumer groups, or had until recently.
func (k *Kafka) Members() []string { return k.sessions.ids() }

// Consumers returns all members of the groups of the topics that this process reads, as the brokers know them.
func (k *Kafka) Consumers() (found []Consumer, err error) {
	k.mu.Lock()
	topics := maps.Clone(k.consumed)
	k.mu.Unlock()
	if len(topics) == 0 {
		return nil, nil
	}
	types := map[string]string{} // by group
	of := map[string]string{}    // a group's topic
	for topic, eventType := range topics {
		types[k.group(topic)], of[k.group(topic)] = eventType, topic
	}
	admin, err := sarama.NewClusterAdminFromClient(k.client) // not closed: that would close the client
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	groups, err := admin.DescribeConsumerGroups(slices.Sorted(maps.Keys(types)))
	if err != nil {
		return nil, fmt.Errorf("describe consumer groups: %w", err)
	}
	for _, g := range groups {
		for _, id := range slices.Sorted(maps.Keys(g.Members)) {
			m := g.Members[id]
			given, err := m.GetMemberAssignment()
			if err != nil || given == nil {
				continue // it was given nothing yet
			}
			found = append(found, Consumer{EventType: types[g.GroupId], Group: g.GroupId, Member: id,
				Client: m.ClientId,
				Host:   m.ClientHost, Partitions: given.Topics[of[g.GroupId]]})
		}
	}
	return found, nil
}
