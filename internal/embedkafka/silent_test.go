package embedkafka_test

import (
	"context"
	"testing"
	"time"

	"bestow/internal/embedkafka"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A consumer that is killed while its join waits for the others leaves the group when its session ends, and the others
// share its partitions. kfake alone keeps it for ever.
func TestKilledWhileJoining(t *testing.T) {
	t.Parallel()
	s := start(t, embedkafka.Options{})
	lives, killed := groupClient(t, s.Brokers), groupClient(t, s.Brokers)

	first := join(t, lives, newMember(t, lives))
	sync(t, lives, first)
	parked := newMember(t, killed)
	go func() { _, _ = joinRequest(parked).RequestWith(t.Context(), killed) }()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.Equal(c, kerr.RebalanceInProgress.Code, beat(t, lives, first), "the second has not joined")
	}, 10*time.Second, 20*time.Millisecond)
	killed.Close()

	again := join(t, lives, first.MemberID)
	require.Len(t, again.Members, 2, "the killed one is a member: that is the case to be mended")
	sync(t, lives, again)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.Equal(c, kerr.RebalanceInProgress.Code, beat(t, lives, again), "the killed one is still a member")
	}, time.Minute, 200*time.Millisecond)
	require.Len(t, join(t, lives, first.MemberID).Members, 1)
}

const session = 6 * time.Second // the least that a broker allows

func groupClient(t *testing.T, brokers []string) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func joinRequest(id string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.ProtocolType = group, id, "consumer"
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = int32(session.Milliseconds()), 60_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name = "range"
	r.Protocols = append(r.Protocols, protocol)
	return r
}

// newMember asks for the id with which one joins.
func newMember(t *testing.T, c *kgo.Client) string {
	t.Helper()
	res, err := joinRequest("").RequestWith(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, kerr.MemberIDRequired.Code, res.ErrorCode)
	return res.MemberID
}

func join(t *testing.T, c *kgo.Client, id string) *kmsg.JoinGroupResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := joinRequest(id).RequestWith(ctx, c)
	require.NoError(t, err)
	require.Zero(t, res.ErrorCode)
	return res
}

// sync has the leader, or whoever takes himself for it, spread an empty plan.
func sync(t *testing.T, c *kgo.Client, j *kmsg.JoinGroupResponse) {
	t.Helper()
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.MemberID, r.Generation = group, j.MemberID, j.Generation
	res, err := r.RequestWith(t.Context(), c)
	require.NoError(t, err)
	require.Zero(t, res.ErrorCode)
}

// beat answers with the heartbeat's error code.
func beat(t *testing.T, c *kgo.Client, j *kmsg.JoinGroupResponse) int16 {
	t.Helper()
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID, r.Generation = group, j.MemberID, j.Generation
	res, err := r.RequestWith(t.Context(), c)
	require.NoError(t, err)
	return res.ErrorCode
}
