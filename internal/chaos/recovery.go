package main

import (
	"context"
	"sync"
	"time"

	"bestow/internal/testbed"
)

const (
	// recoverWithin is how long all that was in hand at a kill may take (p99).
	recoverWithin = 90 * time.Second
	// lease is how long a claim lasts.
	lease = 15 * time.Second
)

// recoveries are the times that recoveries took: from a kill until all that was in hand then, whoever's hand it was in, is through.
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

// watch begins to take the time of a recovery from a kill.
func (r *recoveries) watch(killed time.Time) {
	r.ended.Add(1)
	go func() {
		defer r.ended.Done()
		err := testbed.Poll(r.ctx, 15*testbed.Interval, func() (bool, error) { return r.through(killed), nil })
		if err != nil {
			return // the run has ended
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.healed = append(r.healed, time.Since(killed))
	}()
}

// through says whether nothing is open any more of what was in hand at a moment: no claim that was made before it, no
// message that was published before it and never claimed, and no job that was begun before it. What belongs to an event
// that was stopped meanwhile does not count.
func (r *recoveries) through(moment time.Time) bool {
	const query = `SELECT
			NOT EXISTS (SELECT FROM grant_chunks c JOIN campaign_events e ON e.id = c.event_id
				WHERE e.event_status = 'RUNNING' AND c.settled_at IS NULL
				AND (c.claim_token IS NOT NULL AND c.open_until <= $1::timestamptz + $2::interval
					OR c.claimed_at IS NULL AND c.published_at <= $1))
			AND NOT EXISTS (SELECT FROM river.river_job WHERE state = 'running' AND attempted_at <= $1)`
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	var through bool
	err := r.w.pool.QueryRow(ctx, query, moment, lease).Scan(&through)
	return err == nil && through // PostgreSQL may be away
}

// times are the recoveries until now.
func (r *recoveries) times() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Duration(nil), r.healed...)
}

func (r *recoveries) close() {
	r.stop()
	r.ended.Wait()
}
