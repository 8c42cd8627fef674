package outbox

import (
	"context"
	"slices"
	"sync"

	"github.com/IBM/sarama"
)

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
