package embedkafka

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// silence ends the group members that are not heard from any more, as Kafka does. kfake forgets two things about a
// member whose join it has not answered yet. It does not time it out once its connection is gone, so a consumer that
// was killed while joining kept its partitions for ever. And it does time out a living one that waits longer than its
// session lasts, without an answer; therefore no rebalance here waits longer than that.
type silence struct {
	client *kgo.Client
	log    kfake.Logger
	stop   context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	members map[member]*heard
}

type member struct{ group, id string }

// heard holds the time of a member's last request, and how long the member may be silent.
type heard struct {
	at      time.Time
	session time.Duration
}

// watchSilence begins to observe requests and to end silent members, until it is closed.
func watchSilence(cluster *kfake.Cluster, addr string, log *slog.Logger) (*silence, error) {
	straight := func(ctx context.Context, network, _ string) (net.Conn, error) { // whatever is advertised
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.Dialer(straight))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &silence{
		client: client, log: newLogger(log), stop: stop, done: make(chan struct{}),
		members: map[member]*heard{},
	}
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup} {
		cluster.ControlKey(key.Int16(), s.hear)
	}
	go s.run(ctx)
	return s, nil
}

func (s *silence) close() {
	s.stop()
	<-s.done
	s.client.Close()
}

func (s *silence) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.end(ctx)
		}
	}
}

// hear notes the sender of a request, and leaves the request to kfake.
func (s *silence) hear(r kmsg.Request) (kmsg.Response, error, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := r.(type) {
	case *kmsg.JoinGroupRequest:
		r.RebalanceTimeoutMillis = min(r.RebalanceTimeoutMillis, r.SessionTimeoutMillis*8/10)
		if r.MemberID != "" {
			s.members[member{r.Group, r.MemberID}] = &heard{
				time.Now(),
				time.Duration(r.SessionTimeoutMillis) * time.Millisecond,
			}
		}
	case *kmsg.SyncGroupRequest:
		s.again(member{r.Group, r.MemberID})
	case *kmsg.HeartbeatRequest:
		s.again(member{r.Group, r.MemberID})
	case *kmsg.LeaveGroupRequest:
		for _, m := range r.Members {
			delete(s.members, member{r.Group, m.MemberID})
		}
	}
	return nil, nil, false
}

func (s *silence) again(m member) {
	if h, ok := s.members[m]; ok {
		h.at = time.Now()
	}
}

// end makes members leave that have been silent for longer than their session.
func (s *silence) end(ctx context.Context) {
	for _, m := range s.silent() {
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Group = m.group
		leaving := kmsg.NewLeaveGroupRequestMember()
		leaving.MemberID = m.id
		r.Members = append(r.Members, leaving)
		if _, err := r.RequestWith(ctx, s.client); err != nil && ctx.Err() == nil {
			s.log.Logf(kfake.LogLevelWarn, "a silent consumer of %s could not be ended: %v", m.group, err)
		}
	}
}

func (s *silence) silent() (out []member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m, h := range s.members {
		if time.Since(h.at) > h.session+time.Second { // kfake's own timer comes first
			out = append(out, m)
		}
	}
	return out
}
