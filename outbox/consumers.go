package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"bestow/domain"
	"bestow/outbox/secure"

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

// Lacking says which rights this user lacks on the topics of the types, dead-letter topics too, and on the groups that
// read them: a line for each. Topics that do not exist are passed over.
func (k *Kafka) Lacking(types []domain.EventType) (all []string, err error) {
	var names []string
	for _, t := range types {
		names = append(names, k.Topic(t), k.DeadLetter(t))
	}
	if len(names) == 0 {
		return nil, nil
	}
	lack, err := secure.TopicsLack(k.client, names)
	if err != nil {
		return nil, err
	}
	for _, topic := range names {
		if lack[topic] != "" {
			all = append(all, fmt.Sprintf("this user lacks rights on the topic %s: allow %s", topic, lack[topic]))
		}
		group, err := secure.GroupLacks(k.client, k.group(topic))
		if err != nil {
			return nil, err
		}
		if group != "" {
			all = append(all, fmt.Sprintf("this user lacks rights on the group %s: allow %s", k.group(topic), group))
		}
	}
	return all, nil
}

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
			found = append(found, Consumer{
				EventType: types[g.GroupId], Group: g.GroupId, Member: id,
				Client: m.ClientId,
				Host:   m.ClientHost, Partitions: given.Topics[of[g.GroupId]],
			})
		}
	}
	return found, nil
}

// sessions knows for each partition whether this process still owns it. Watermill gives a message the subscriber's
// context, which outlives the group's session. So a message that is refused and delivered again would hold a partition
// that another process has owned for long. Only a "tracer" of Watermill can see sessions: it wraps the group's handler.
type sessions struct {
	mu      sync.Mutex
	open    map[partition]context.Context
	members []string // the ids that the groups gave this process, the newest last
}

// membersKept is the number of ids that are kept: a group gives a new one when a consumer joins anew.
const membersKept = 64

type partition struct {
	topic  string
	number int32
}

func newSessions() *sessions { return &sessions{open: map[partition]context.Context{}} }

// over reports whether the session in which p was consumed has ended.
func (s *sessions) over(p partition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, ok := s.open[p]
	return ok && ctx.Err() != nil
}

func (s *sessions) begin(ctx context.Context, p partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[p] = ctx
}

// assigned returns the number of partitions of topic that this process consumes.
func (s *sessions) assigned(topic string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, ctx := range s.open {
		if p.topic == topic && ctx.Err() == nil {
			n++
		}
	}
	return n
}

// joined notes that this process is a member of a group by an id.
func (s *sessions) joined(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.members, id) {
		return
	}
	s.members = append(s.members, id)
	s.members = s.members[max(0, len(s.members)-membersKept):]
}

// ids returns the ids that the groups gave this process.
func (s *sessions) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.members)
}

// WrapConsumer returns c: only groups consume here.
func (s *sessions) WrapConsumer(c sarama.Consumer) sarama.Consumer { return c }

// WrapPartitionConsumer returns c: only groups consume here.
func (s *sessions) WrapPartitionConsumer(c sarama.PartitionConsumer) sarama.PartitionConsumer {
	return c
}

// WrapSyncProducer returns p: only consuming is watched.
func (s *sessions) WrapSyncProducer(_ *sarama.Config, p sarama.SyncProducer) sarama.SyncProducer {
	return p
}

// WrapConsumerGroupHandler notes the session of each partition that h is given.
func (s *sessions) WrapConsumerGroupHandler(h sarama.ConsumerGroupHandler) sarama.ConsumerGroupHandler {
	return watched{h, s}
}

type watched struct {
	sarama.ConsumerGroupHandler
	sessions *sessions
}

// Setup is called at the beginning of each session, whether partitions are given or not.
func (w watched) Setup(session sarama.ConsumerGroupSession) error {
	w.sessions.joined(session.MemberID())
	return w.ConsumerGroupHandler.Setup(session)
}

func (w watched) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	w.sessions.begin(session.Context(), partition{claim.Topic(), claim.Partition()})
	return w.ConsumerGroupHandler.ConsumeClaim(session, claim)
}

// Dismiss takes a consumer that is gone out of its group, as it would have done at an end in order: the others get its
// partitions at once. One that lives all the same joins again. A consumer that the group does not know is no error.
func (k *Kafka) Dismiss(c Consumer) error {
	coordinator, err := k.client.Coordinator(c.Group)
	if err != nil {
		return fmt.Errorf("find the coordinator of group %s: %w", c.Group, err)
	}
	answer, err := coordinator.LeaveGroup(&sarama.LeaveGroupRequest{GroupId: c.Group, MemberId: c.Member})
	if err != nil {
		return fmt.Errorf("dismiss %s from group %s: %w", c.Member, c.Group, err)
	}
	if answer.Err != sarama.ErrNoError && answer.Err != sarama.ErrUnknownMemberId {
		return fmt.Errorf("dismiss %s from group %s: %w", c.Member, c.Group, answer.Err)
	}
	return nil
}
