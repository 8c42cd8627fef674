package main

import (
	"context"
	"hash/crc32"
	"sync"
	"testing"

	"bestow/cmd/bestow/daemon"
	"bestow/domain"
	"bestow/outbox"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// thrice delivers each message three times: twice at once, and once more when both are done with.
func thrice(next outbox.Handler) outbox.Handler {
	return func(ctx context.Context, m outbox.Message) error {
		var wg sync.WaitGroup
		wg.Go(func() { _ = next(ctx, m) }) // whatever comes of it, the last one counts
		wg.Go(func() { _ = next(ctx, m) })
		wg.Wait()
		return next(ctx, m)
	}
}

// lot is a member's place among a hundred, for this test alone.
func lot(member string) uint32 { return crc32.ChecksumIEEE([]byte("lot "+member)) % 100 }

// A third of the grants time out after they were applied, a tenth is refused twice and a tenth once too often, and
// every message is delivered three times: counters, retry counts and ledger are exact (F15, F16).
//
// With a limit of two retries, refused twice ends as SUCCESS at retry_count 2, refused three times as
// PERMANENTLY_FAILED at retry_count 3. A time-out is no refusal: it leaves retry_count alone, whatever the limit.
func TestTimeoutsRefusalsAndDuplicatesAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const members = 2_000
	timedOut := map[string]int{} // how often a member was asked for that timed out
	var mu sync.Mutex
	with := w.told(func(m string, nth int) (domain.Verdict, bool) {
		switch n := lot(m); {
		case n < 30: // timed out after it was applied, the first time
			mu.Lock()
			defer mu.Unlock()
			timedOut[m] = nth
			if nth == 1 {
				return domain.Unknown, true
			}
		case n < 40 && nth <= 2, n >= 40 && n < 50: // refused twice; refused for ever
			return domain.RefusedForNow, false
		case n >= 50 && n < 55: // refused, then timed out after it was applied
			if nth == 1 {
				return domain.RefusedForNow, false
			}
			if nth == 2 {
				return domain.Unknown, true
			}
		}
		return domain.Granted, true
	})
	with.Handler = thrice
	p, _ := w.start(t.Context(), with, daemon.AllRoles...)
	e := w.event(p, "POINT", members)
	w.run(p, e)
	done := w.completed(p, e.ID)

	want := map[string]int{}
	for _, m := range w.members(e) {
		switch n := lot(m); {
		case n < 30:
			assert.Equal(t, 2, timedOut[m], "asked again once, with the same key: %s", m)
			want["SUCCESS 0"]++
		case n < 40:
			want["SUCCESS 2"]++
		case n < 50:
			want["PERMANENTLY_FAILED 3"]++
		case n < 55:
			want["SUCCESS 1"]++
		default:
			want["SUCCESS 0"]++
		}
	}
	require.Equal(t, want, w.tally(e))
	failed, retried := want["PERMANENTLY_FAILED 3"], want["SUCCESS 1"]+want["SUCCESS 2"]
	require.Equal(t, members, done.Summary.Published)
	require.Equal(t, members-failed, done.Summary.Success)
	require.Equal(t, failed, done.Summary.Fail)
	require.Equal(t, retried, done.Summary.RetrySuccess)
	require.Equal(t, members-failed, w.count(`SELECT count(*) FROM money.point_member`),
		"one grant each, none for who was given up")
	require.Zero(t, w.count(`SELECT count(*) FROM parked_messages`))
	w.verified(p)
}

func (w *world) members(e domain.Event) (ids []string) {
	w.Helper()
	require.NoError(w,
		w.pool.QueryRow(w.Context(), `SELECT array_agg(member_id) FROM point_targets WHERE event_id = $1`,
			e.ID).Scan(&ids))
	return ids
}

// tally counts the event's results by status and retry_count.
func (w *world) tally(e domain.Event) map[string]int {
	w.Helper()
	rows, err := w.pool.Query(w.Context(),
		`SELECT status || ' ' || retry_count, count(*) FROM point_results WHERE event_id = $1 GROUP BY 1`, e.ID)
	require.NoError(w, err)
	defer rows.Close()
	tally := map[string]int{}
	for rows.Next() {
		var key string
		var n int
		require.NoError(w, rows.Scan(&key, &n))
		tally[key] = n
	}
	require.NoError(w, rows.Err())
	return tally
}
