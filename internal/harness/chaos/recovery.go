package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"bestow/internal/harness/testbed"
)

// recoverWithin is the time that the last of what was in hand may still take when every event is complete.
const recoverWithin = 90 * time.Second

// recoveries are the times that recoveries took: from a kill until all work that was in progress then, in any process,
// is done. The next faults come before that, and hit it again: what one kill alone costs is measured by
// internal/harness/kill.
type recoveries struct {
	w     *world
	stop  context.CancelFunc
	ctx   context.Context //nolint:containedctx // that of the looks, which outlast the fault that asked for them
	ended sync.WaitGroup

	mu     sync.Mutex
	healed []time.Duration
}

func newRecoveries(ctx context.Context, w *world) *recoveries {
	r := &recoveries{w: w}
	r.ctx, r.stop = context.WithCancel(ctx)
	return r
}

// inHand holds what was at work at a moment: jobs that ran, and chunks that were claimed, or published and not claimed
// yet, by their events and first targets.
type inHand struct{ jobs, events, chunks []int64 }

// watch notes what is in hand now, and returns what takes the time from the kill on.
func (r *recoveries) watch(ctx context.Context) (from func(killed time.Time)) {
	const query = `SELECT coalesce((SELECT array_agg(id) FROM river.river_job WHERE state = 'running'), '{}'),
		coalesce(array_agg(c.event_id), '{}'), coalesce(array_agg(c.first_id), '{}')
		FROM grant_chunks c JOIN campaign_events e ON e.id = c.event_id
		WHERE e.event_status = 'RUNNING' AND c.settled_at IS NULL
			AND (c.claim_token IS NOT NULL OR c.published_at IS NOT NULL AND c.claimed_at IS NULL)`
	var h inHand
	if err := r.w.ask(ctx, query, nil, &h.jobs, &h.events, &h.chunks); err != nil {
		return func(time.Time) {} // the run has ended
	}
	return func(killed time.Time) { r.follow(killed, h) }
}

// follow looks until everything is through. It runs beside the next faults, which may make it longer.
func (r *recoveries) follow(killed time.Time, h inHand) {
	r.ended.Add(1)
	go func() {
		defer r.ended.Done()
		err := testbed.Poll(r.ctx, 15*testbed.Interval, func() (bool, error) { return r.through(h), nil })
		if err != nil {
			return // the run has ended
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.healed = append(r.healed, time.Since(killed))
	}()
}

// through reports whether every job has ended and every chunk is settled. What belongs to an event that was stopped
// meanwhile does not count: a person keeps it.
func (r *recoveries) through(h inHand) bool {
	const query = `SELECT NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::bigint[]) AS h (event_id, first_id)
				JOIN grant_chunks c USING (event_id, first_id) JOIN campaign_events e ON e.id = c.event_id
				WHERE e.event_status = 'RUNNING' AND c.settled_at IS NULL)
			AND NOT EXISTS (SELECT FROM river.river_job WHERE id = ANY($1) AND state IN ('available', 'running', 'retryable', 'scheduled'))`
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	var through bool
	err := r.w.pool.QueryRow(ctx, query, h.jobs, h.events, h.chunks).Scan(&through)
	return err == nil && through // PostgreSQL may be away
}

// times are all recoveries. Every event is complete by now, so each has an end; one that has none is an error.
func (r *recoveries) times() ([]time.Duration, error) {
	done := make(chan struct{})
	go func() {
		r.ended.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(recoverWithin):
		return nil, errors.New("something that was in hand at a kill has not ended, though every event is complete")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.healed, nil
}

func (r *recoveries) close() {
	r.stop()
	r.ended.Wait()
}
