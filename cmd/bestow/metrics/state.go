package metrics

import (
	"context"
	"strconv"
	"sync"
	"time"

	"bestow/app/gauges"

	"github.com/prometheus/client_golang/prometheus"
)

// fresh is the time for which one look at the database serves all who ask.
const fresh = 5 * time.Second

// state tells how the installation stands. Each process that tells it tells the same, so queries take the max over the
// processes and not the sum.
type state struct {
	read func(context.Context) (gauges.State, error)
	id   string // of the process's River client

	mu   sync.Mutex
	last gauges.State
	at   time.Time // when last was read; zero: never
}

var (
	stateUpDesc   = describe("state_up", "Whether this process could read how the installation stands: 1 or 0.")
	eventsDesc    = describe("events", "Events, by type and status.", "event_type", "status")
	targetsDesc   = describe("targets", "Targets of the events, by type and status of the event.", "event_type", "status")
	publishedDesc = describe("published_targets_total", "Targets that Kafka has acknowledged.", "event_type")
	grantedDesc   = describe("granted_targets_total", "Targets that the ledger has granted.", "event_type")
	givenUpDesc   = describe("given_up_targets", "Targets that were given up. A redrive takes some away.", "event_type")
	unsentDesc    = describe("running_unpublished_targets",
		"Targets of running events that Kafka has not acknowledged.", "event_type")
	unsettledDesc = describe("running_unsettled_targets",
		"Targets of running events that are published, and neither granted nor given up.", "event_type")
	refusedDesc = describe("running_refused_targets",
		"Targets of running events that were refused, and wait for a retry.", "event_type")
	unknownDesc = describe("running_unknown_targets",
		"Targets of running events that were asked for, and of which no answer came.", "event_type")
	unclaimedDesc = describe("partition_unclaimed_targets",
		"Targets of running events that lie in the partition, and that no handler has claimed yet.", "topic", "partition")
	behindDesc = describe("partition_behind_seconds",
		"How long the first message of the partition waits that no handler has claimed yet.", "topic", "partition")
	openDesc = describe("partition_open_seconds",
		"How long a handler has had the message of the partition that it has had longest without an answer.",
		"topic", "partition")
	queueDesc  = describe("queue_oldest_seconds", "How long the next job of the queue waits; 0 if none does.", "queue")
	pausedDesc = describe("queue_paused", "Whether the queue is paused: 1 or 0.", "queue")
	parkedDesc = describe("parked_messages", "Messages that no handler could use, and that were not replayed.", "cause")
	brakesDesc = describe("brakes_engaged", "Brakes that are engaged.")
	leaderDesc = describe("leader", "Whether some process leads River, which runs the timetable: 1 or 0.")
	leadsDesc  = describe("process_leads", "Whether this process leads River: 1 or 0.")
	linksDesc  = describe("audit_unlinked_rows", "Rows of the audit that its chain does not hold yet.")
)

// Describe is prometheus.Collector's.
func (*state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		stateUpDesc, eventsDesc, targetsDesc, publishedDesc, grantedDesc, givenUpDesc, unsentDesc, unsettledDesc,
		refusedDesc, unknownDesc, unclaimedDesc, behindDesc, openDesc, queueDesc, pausedDesc, parkedDesc, brakesDesc,
		leaderDesc, leadsDesc, linksDesc,
	} {
		to <- d
	}
}

// Collect is prometheus.Collector's. Where the database does not answer, there is nothing but state_up.
func (s *state) Collect(to chan<- prometheus.Metric) {
	now, err := s.now()
	gauge(to, stateUpDesc, truth(err == nil))
	if err != nil {
		return
	}
	collectEvents(to, now)
	for _, p := range now.Partitions {
		partition := strconv.Itoa(p.Partition)
		gauge(to, unclaimedDesc, float64(p.Unclaimed), p.Topic, partition)
		gauge(to, behindDesc, p.BehindS, p.Topic, partition)
		gauge(to, openDesc, p.OpenS, p.Topic, partition)
	}
	for _, q := range now.Queues {
		waits := 0.0
		if q.Next != nil {
			waits = now.At.Sub(*q.Next).Seconds()
		}
		gauge(to, queueDesc, waits, q.Name)
		gauge(to, pausedDesc, truth(q.Paused), q.Name)
	}
	for cause, n := range now.Parked {
		gauge(to, parkedDesc, float64(n), cause)
	}
	gauge(to, brakesDesc, float64(now.Brakes))
	gauge(to, leaderDesc, truth(now.Leader != ""))
	gauge(to, leadsDesc, truth(now.Leader == s.id))
	gauge(to, linksDesc, float64(now.Unlinked))
}

// now returns the last look, or a new one where that is old.
func (s *state) now() (gauges.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && time.Since(s.at) < fresh {
		return s.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), look)
	defer cancel()
	last, err := s.read(ctx)
	if err != nil {
		return last, err
	}
	s.last, s.at = last, time.Now()
	return last, nil
}

// road sums up a type's events.
type road struct{ published, granted, givenUp, unsent, unsettled, refused, unknown int64 }

func collectEvents(to chan<- prometheus.Metric, now gauges.State) {
	roads := map[string]*road{}
	for _, e := range now.Events {
		gauge(to, eventsDesc, float64(e.Count), e.Type, e.Status)
		gauge(to, targetsDesc, float64(e.Targets), e.Type, e.Status)
		r := roads[e.Type]
		if r == nil {
			r = &road{}
			roads[e.Type] = r
		}
		r.published, r.granted, r.givenUp = r.published+e.Published, r.granted+e.Granted, r.givenUp+e.GivenUp
		if e.Status == "RUNNING" {
			r.unsent, r.unsettled = e.Targets-e.Published, e.Published-e.Granted-e.GivenUp
		}
	}
	for _, w := range now.Waiting {
		switch r := roads[w.Type]; {
		case r == nil: // a type without events has no results
		case w.Status == "FAILED":
			r.refused = w.Count
		default:
			r.unknown = w.Count
		}
	}
	for eventType, r := range roads {
		counter(to, publishedDesc, float64(r.published), eventType)
		counter(to, grantedDesc, float64(r.granted), eventType)
		gauge(to, givenUpDesc, float64(r.givenUp), eventType)
		gauge(to, unsentDesc, float64(r.unsent), eventType)
		gauge(to, unsettledDesc, float64(r.unsettled), eventType)
		gauge(to, refusedDesc, float64(r.refused), eventType)
		gauge(to, unknownDesc, float64(r.unknown), eventType)
	}
}

// expiry tells how far the expiry of points is behind.
type expiry struct {
	behind func(context.Context) (time.Duration, error)
}

var expiryDesc = describe("expiry_behind_seconds",
	"How long ago the points ran out that wait longest to expire.")

// Describe is prometheus.Collector's.
func (expiry) Describe(to chan<- *prometheus.Desc) { to <- expiryDesc }

// Collect is prometheus.Collector's.
func (e expiry) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), look)
	defer cancel()
	if behind, err := e.behind(ctx); err == nil {
		gauge(to, expiryDesc, behind.Seconds())
	}
}
