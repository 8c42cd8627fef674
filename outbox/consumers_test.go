package outbox

import (
	"context"
	"fmt"
	"testing"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// session is a group's session, and one claim of it.
type session struct {
	sarama.ConsumerGroupSession
	sarama.ConsumerGroupClaim
	sarama.ConsumerGroupHandler
	ctx    context.Context
	member string
	number int32
}

func (s session) Context() context.Context { return s.ctx }
func (s session) MemberID() string         { return s.member }
func (s session) Topic() string            { return "grants.point" }
func (s session) Partition() int32         { return s.number }

func (session) Setup(sarama.ConsumerGroupSession) error { return nil }

func (session) ConsumeClaim(sarama.ConsumerGroupSession, sarama.ConsumerGroupClaim) error { return nil }

// A process owns a partition from the session that gave it on, until that ends. It knows its ids in the groups.
func TestSessions(t *testing.T) {
	t.Parallel()
	s := newSessions()
	ctx, end := context.WithCancel(t.Context())
	zero, one := session{ctx: ctx, member: "a", number: 0}, session{ctx: ctx, member: "a", number: 1}
	h := s.WrapConsumerGroupHandler(zero)
	require.NoError(t, h.Setup(zero))
	require.NoError(t, h.Setup(zero))
	require.Equal(t, []string{"a"}, s.ids())
	require.Zero(t, s.assigned("grants.point"))
	require.False(t, s.over(partition{"grants.point", 0}), "a partition that was never given")

	require.NoError(t, h.ConsumeClaim(zero, zero))
	require.NoError(t, h.ConsumeClaim(one, one))
	require.Equal(t, 2, s.assigned("grants.point"))
	require.Zero(t, s.assigned("grants.voucher"))
	require.False(t, s.over(partition{"grants.point", 1}))
	end()
	require.Zero(t, s.assigned("grants.point"))
	require.True(t, s.over(partition{"grants.point", 1}))

	again := session{ctx: t.Context(), member: "b", number: 1}
	require.NoError(t, h.Setup(again))
	require.NoError(t, h.ConsumeClaim(again, again))
	require.Equal(t, 1, s.assigned("grants.point"))
	require.False(t, s.over(partition{"grants.point", 1}), "it was given once more")
	require.True(t, s.over(partition{"grants.point", 0}))
}

// Of the ids that a process had, the last ones are kept.
func TestSessionsKeepTheLastIDs(t *testing.T) {
	t.Parallel()
	s := newSessions()
	for i := range membersKept + 2 {
		s.joined(fmt.Sprint(i))
	}
	ids := s.ids()
	require.Len(t, ids, membersKept)
	require.Equal(t, "2", ids[0])
	require.Equal(t, fmt.Sprint(membersKept+1), ids[membersKept-1])
}
