package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/grants"
	"bestow/app/imports"
	"bestow/cmd/bestow/daemon"
	"bestow/domain"

	"github.com/stretchr/testify/require"
)

// verdicts is a ledger that refuses, loses or grants, as told for each member and time of asking.
type verdicts struct {
	grants.Granter
	mu    sync.Mutex
	asked map[string]int
	say   func(member string, nth int) (v domain.Verdict, applied bool)
}

func (v *verdicts) Grant(ctx context.Context, e domain.Event, deadline time.Time,
	batch []domain.Grant,
) ([]domain.Outcome, error) {
	out := make([]domain.Outcome, len(batch))
	var pass []domain.Grant
	var at []int
	v.mu.Lock()
	for i, g := range batch {
		v.asked[g.MemberID]++
		verdict, applied := v.say(g.MemberID, v.asked[g.MemberID])
		out[i] = domain.Outcome{Verdict: verdict, Code: "told", Message: "as told"}
		if applied {
			pass, at = append(pass, g), append(at, i)
		}
	}
	v.mu.Unlock()
	if len(pass) == 0 {
		return out, nil
	}
	granted, err := v.Granter.Grant(ctx, e, deadline, pass)
	if err != nil {
		return nil, err
	}
	for n, i := range at {
		if out[i].Verdict == domain.Granted {
			out[i] = granted[n]
		}
	}
	return out, nil
}

func (w *world) told(say func(member string, nth int) (domain.Verdict, bool)) daemon.Overrides {
	return daemon.Overrides{
		Granter: func(g grants.Granter) grants.Granter {
			return &verdicts{Granter: g, asked: map[string]int{}, say: say}
		},
		Limits: func(l *app.Limits) { l.Retry = domain.RetryPolicy{Limit: 2, Backoff: 100 * time.Millisecond} },
	}
}

// digit is the last digit of a member, by which a told ledger sorts.
func digit(member string) byte { return member[len(member)-1] }

// Refused for now, refused for good, lost after it was applied: every member ends where it must, and every count is
// exact.
func TestFailurePolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), w.told(func(m string, nth int) (domain.Verdict, bool) {
		switch digit(m) {
		case '1': // refused once
			if nth == 1 {
				return domain.RefusedForNow, false
			}
		case '2': // refused at every try
			return domain.RefusedForNow, false
		case '3':
			return domain.RefusedForGood, false
		case '4': // applied, and nobody heard
			if nth == 1 {
				return domain.Unknown, true
			}
		}
		return domain.Granted, true
	}), daemon.AllRoles...)
	e := w.event(p, "POINT", 400)
	w.run(p, e)
	done := w.completed(p, e.ID)
	require.Equal(t, domain.Summary{Published: 400, Success: 320, Fail: 80, RetrySuccess: 40}, domain.Summary{
		Published: done.Summary.Published, Success: done.Summary.Success, Fail: done.Summary.Fail,
		RetrySuccess: done.Summary.RetrySuccess,
	})
	require.Equal(t, 40,
		w.count(`SELECT count(*) FROM point_results WHERE status = 'PERMANENTLY_FAILED' AND retry_count = 3 AND error_code = 'told'`))
	require.Equal(t, 40,
		w.count(`SELECT count(*) FROM point_results WHERE status = 'PERMANENTLY_FAILED' AND retry_count = 1`))
	require.Equal(t, 40, w.count(`SELECT count(*) FROM point_results WHERE status = 'SUCCESS' AND retry_count = 1`))
	require.Equal(t, 320, w.count(`SELECT count(*) FROM money.point_member`))
	require.Equal(t, 0, w.count(`SELECT count(*) FROM parked_messages`))
	w.verified(p)
}

// What was given up is tried again by a person, at COMPLETED too, without opening the event again.
func TestRetryByAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	mended := false
	p, _ := w.start(t.Context(), w.told(func(m string, _ int) (domain.Verdict, bool) {
		mu.Lock()
		defer mu.Unlock()
		if digit(m) == '3' && !mended {
			return domain.RefusedForGood, false
		}
		return domain.Granted, true
	}), daemon.AllRoles...)
	e := w.event(p, "POINT", 200)
	w.run(p, e)
	w.completed(p, e.ID)
	r, err := p.App.Events.Retry(t.Context(), operator, e.ID, "", true)
	require.NoError(t, err)
	require.Equal(t, app.Redriven{Matched: 20}, r.Value)

	for range 20 { // still refused: each word of a person is one try (F23)
		r, err = p.App.Events.Retry(t.Context(), operator, e.ID, "told", false)
		require.NoError(t, err)
		require.Equal(t, app.Redriven{Matched: 20, Accepted: 20}, r.Value)
		require.Eventually(t, func() bool {
			return w.count(`SELECT count(*) FROM point_results WHERE redrive_done < redrive`) == 0
		}, time.Minute, 20*time.Millisecond)
	}
	mu.Lock()
	mended = true
	mu.Unlock()
	_, err = p.App.Events.Retry(t.Context(), operator, e.ID, "another", false)
	require.NoError(t, err)
	_, err = p.App.Events.Retry(t.Context(), operator, e.ID, "", false)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.count(`SELECT success_count FROM campaign_event_summary`) == 200 },
		time.Minute, 20*time.Millisecond)
	done, err := p.App.Events.Get(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, domain.Completed, done.Status)
	require.Zero(t, done.Summary.Fail)
	require.Equal(t, 20, done.Summary.RetrySuccess)
	w.verified(p)
}

// After a stop that answered 200 the ledger gets no row of the event, whatever moment the stop came at; resumed, the
// event completes exactly (F12).
func TestStopAndResumeAtRandomMoments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	w.start(t.Context(), daemon.Overrides{}, daemon.RoleRelay, daemon.RoleHandler)
	for round := range 8 {
		e := w.event(p, "POINT", 3_000)
		w.run(p, e)
		for range 3 {
			wait := time.Duration(rand.Int64N(int64(120 * time.Millisecond)))
			select {
			case <-t.Context().Done():
			case <-time.After(wait):
			}
			stopped, err := p.App.Events.Stop(t.Context(), operator, e.ID, "to see whether it stops")
			if err != nil {
				require.ErrorIs(t, err, &domain.Error{Code: domain.WrongStatus})
				break // it was faster
			}
			require.Zero(t, stopped.Draining)
			rows := w.count(`SELECT count(*) FROM money.point_member WHERE ref_unique_id = $1`, fmt.Sprint(e.ID))
			require.Never(t, func() bool {
				return w.count(`SELECT count(*) FROM money.point_member WHERE ref_unique_id = $1`,
					fmt.Sprint(e.ID)) != rows
			}, 100*time.Millisecond, 20*time.Millisecond, "round %d: a grant after the stop's 200", round)
			_, _, err = p.App.Events.Resume(t.Context(), operator, e.ID)
			require.NoError(t, err)
		}
		w.exact(p, w.completed(p, e.ID))
	}
}

// A lane runs one event at a time, in the order of priority; another second runs beside it.
func TestLanes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.start(t.Context(), daemon.Overrides{}, daemon.AllRoles...)
	amount := int64(100)
	var lane []int64
	for i, priority := range []int{3, 1, 2} {
		e, err := p.App.Events.Create(t.Context(),
			operator, app.NewEvent{
				CampaignID: fmt.Sprint("lane-", i), EventType: "POINT",
				DefaultAmount: &amount, ReservationPriority: &priority,
			})
		require.NoError(t, err)
		_, err = p.App.Targets.Import(t.Context(), operator, e.Value.ID,
			imports.Upload{Body: strings.NewReader(members(500)), ContentType: "text/csv"})
		require.NoError(t, err)
		lane = append(lane, e.Value.ID)
	}
	at := time.Now().Add(2 * time.Second).Truncate(time.Second)
	w.comes(at, lane...)
	for _, id := range lane {
		w.exact(p, w.completed(p, id))
	}
	const order = `SELECT array_agg(event_id ORDER BY started_at)::text = $1 AND bool_and(started_at >= $2) FROM campaign_event_summary`
	var right bool
	require.NoError(t,
		w.pool.QueryRow(t.Context(), order, fmt.Sprintf("{%d,%d,%d}", lane[1], lane[2], lane[0]), at).Scan(&right))
	require.True(t, right)
	overlaps := w.count(`SELECT count(*) FROM campaign_event_summary a JOIN campaign_event_summary b ON a.event_id < b.event_id
		WHERE a.started_at < b.completed_at AND b.started_at < a.completed_at`)
	require.Zero(t, overlaps)
}
